"""One hop of an end-to-end memory network, of K (Figure 1, Equations 1 to 4)."""

from unrolled.site.drawing import Drawing

d = Drawing(
    "memn2n",
    title="One hop of an end-to-end memory network",
    desc="""
    At the bottom the sentences x 1 to x n are embedded twice, by C k and by A k, into two memories
    drawn as grids of four rows, c i and m i; the question q is embedded by B to the state u k. Inside a
    frame labelled hop k of K, u k is compared with the memories m i in a softmax box; its weights p i
    go to a weighted sum of the memories c i, which gives o k. A plus adds o k to u k. The result, u
    k+1, leaves the frame at the top and reaches a softmax with the matrix W, which gives the answer a
    hat. The softmax, the weighted sum, the plus and the frame are marked as new.
    """,
    caption="""
    One hop matches the state with every memory, reads softly, and adds what it read to the state; after
    K hops the state answers the question.
    """,
    height=424,
)

x_c, x_m, x_u = 54, 158, 250
d.frame(4, 100, 338, 316, mark="new")
d.label("hop $k$ of $K$", 14, 117, anchor="start")
stored = [[0.7, 0.2, 0.45], [0.15, 0.6, 0.3], [0.5, 0.1, 0.65], [0.25, 0.45, 0.1]]
outputs = d.grid(x_c, 268, [row[::-1] for row in stored], cell=14)
inputs = d.grid(x_m, 268, stored, cell=14)
d.label("$c_i$", x_c - 34, 268, role="memory")
d.label("$m_i$", x_m - 36, 268, role="memory")
embed_c = d.box("$C^k$", x_c, 346, width=36, height=28)
embed_m = d.box("$A^k$", x_m, 346, width=36, height=28)
embed_u = d.box("$B$", x_u, 346, width=36, height=28)
d.arrow(embed_c, outputs, role="memory")
d.arrow(embed_m, inputs, role="memory")
story = d.symbol("$x_1,\\ldots,x_n$", 106, 410, role="input")
d.arrow(story, (106, 384), role="input", head=False)
d.arrow((106, 384), (x_c, 384), embed_c, role="input")
d.arrow((106, 384), (x_m, 384), embed_m, role="input")
d.dot(106, 384, role="input")
d.label("sentences", 70, 410, anchor="end")
d.arrow(d.symbol("$q$", x_u, 410, role="input"), embed_u, role="input")
d.label("question", 260, 410, anchor="start")

match = d.box("softmax\n$u^{\\!\\top}\\!m_i$", x_m, 198, height=40, role="gate", mark="new")
read = d.box("weighted\nsum", x_c, 198, height=38, role="memory", mark="new")
add = d.circle("plus", x_u, 144, mark="new")
d.arrow(inputs, match, role="memory")
d.arrow(embed_u, add, label=r"$u^{\!k}$")
d.arrow((x_u, 198), match)
d.dot(x_u, 198)
d.arrow(match, read, role="gate", label="$p_i$")
d.arrow(outputs, read, role="memory")
d.arrow(read, (x_c, 144), add, role="memory", label=r"$o^{\!k}$")

answer = d.box("softmax $W$", x_u, 28, role="output")
d.arrow(add, answer, label=r"$u^{\!k+1}$")
d.arrow(answer, d.symbol(r"$\hat{a}$", 326, 28, role="output"), role="output")

if __name__ == "__main__":
    d.save(__file__)
