"""One word of RNNsearch: annotations, alignment, context, decoder (Figure 1, Equations 4 to 7)."""

from unrolled.site.drawing import Drawing

d = Drawing(
    "bahdanau_attention",
    title="How RNNsearch chooses its next word",
    desc="""
    At the bottom the source words x 1 to x T enter an encoder of two rows of gated units, one reading
    to the right, one to the left. Each column's two states together are an annotation, h 1 to h T. An
    alignment model a, new in this paper, receives every annotation and the decoder's previous state s
    i-1, and gives energies e i j; a softmax turns them into weights alpha i 1 to alpha i T. Each
    annotation is multiplied by its weight, and the products are added up to the context c i. Above, the
    decoder's gated unit receives c i, s i-1 and the previous word y i-1 and gives the state s i, from
    which the output layer g makes the word y i; g also reads c i and y i-1, whose arrows are left
    out. The state goes on to the next word.
    """,
    caption="""
    Before each target word, RNNsearch compares the state of its decoder with every annotation of the
    source, and reads the annotations in proportion to how well they fit.
    """,
    height=424,
)

# the encoder reads both ways and keeps an annotation of every word
columns = [(150, "1"), (216, "2"), (302, "T")]
rows: list[list] = [[], []]
for x, index in columns:
    for row, y, sign in zip(rows, (352, 322), ("right", "left"), strict=True):
        row.append(
            d.box(rf"$\over{sign}arrow{{h}}_{index}$", x, y, width=38, height=30, role="state", mark="old")
        )
    d.arrow(d.symbol(f"$x_{index}$", x, 400, role="input"), rows[0][-1], role="input")
for (one, other, last), y in zip(rows, (352, 322), strict=True):
    pairs = ((one, other), (other, (247, y))), ((272, y), last)
    for a, b in (*pairs[0], pairs[1]):
        d.arrow(*((a, b) if y == 352 else (b, a)), role="state")
    d.label(r"$\cdots$", 259, y, role="state")
d.label(r"$\cdots$", 259, 400, role="input")
d.label("source words", 64, 400)
d.label("annotations", 64, 337)

# the alignment: how well every annotation fits what comes next
align = d.box("alignment\nmodel $a$", 70, 276, height=38, role="gate", mark="new")
softmax = d.box("softmax", 70, 208, role="gate", mark="new")
weights = d.frame(126, 190, 341, 226, mark="new")
before = d.symbol("$s_{i{-}1}$", 20, 106, role="state")
d.arrow((302, 276), align, role="state")
d.arrow(before, (20, 276), align, role="state", dashed=True)
d.arrow(align, softmax, role="gate", label="$e_{ij}$")
d.arrow(softmax, weights, role="gate", label=r"$\alpha_{ij}$")

# the context: the annotations, weighed and added
total = d.circle("plus", 216, 154, mark="new")
for (x, index), top in zip(columns, rows[1], strict=True):
    times = d.circle("dot", x, 208, mark="new", radius=9)
    d.arrow(top, times, role="state")
    d.dot(x, 276, role="state")
    d.label(rf"$\alpha_{{i{index}}}$", x + 13, 208, role="gate", anchor="start")
    d.label(f"$h_{index}$", x + 6, 250, role="state", anchor="start")
    d.arrow(times, total, role="memory") if x == total.x else d.arrow(times, (x, 154), total, role="memory")

# the decoder
unit = d.box("gated unit", 216, 98, height=36, role="state")
word = d.box("output $g$", 216, 38, role="output")
d.arrow(total, unit, role="memory", label="$c_i$")
d.arrow(before, unit.left(8), role="state", dashed=True)
d.arrow(unit, word, role="state", label="$s_i$")
d.arrow(unit, (338, 98), role="state", dashed=True)
d.arrow(word, d.symbol("$y_i$", 324, 38, role="output"), role="output")
last = d.symbol("$y_{i{-}1}$", 110, 38, role="output")
d.arrow(last, (110, 90), unit.left(-8), role="output", dashed=True)

if __name__ == "__main__":
    d.save(__file__)
