"""One word of Luong attention: score, weights, attentional state, input feeding (Figures 2 to 4)."""

from unrolled.site.drawing import Drawing

d = Drawing(
    "luong_attention",
    title="How Luong attention chooses its next word",
    desc="""
    At the bottom right, source words x 1, x 2 to x S enter a chain of LSTM boxes, whose states are h
    bar 1 to h bar S. At the bottom left the decoder's LSTM receives its last state h t-1, the word y
    t-1 and, by input feeding, the attentional state h tilde t-1; it gives h t. A box called score, new
    in this paper, compares h t with every source state, and align turns the scores into weights a t.
    Each source state is multiplied by its weight, and the products add up to the context c t. A box
    tanh W c, also new, joins c t with h t, which comes up along the left margin, to the attentional
    state h tilde t. A softmax W s makes the word y t from it, and a dashed arrow takes it to the next
    step. A bracket under x 1 and x 2 marks the window p t plus or minus D of local attention.
    """,
    caption="""
    Luong's decoder computes its state first and looks back at the source afterwards; what it found goes
    into the word, and on into the next step.
    """,
    height=440,
)

# the encoder: stacked LSTMs that read forwards; their top states are attended to
columns = [(150, "1"), (212, "2"), (288, "S")]
encoder = []
for x, index in columns:
    encoder.append(d.box("LSTM", x, 336, width=42, role="state"))
    d.arrow(d.symbol(f"$x_{index}$", x, 392, role="input"), encoder[-1], role="input")
d.arrow(encoder[0], encoder[1])
d.arrow(encoder[1], (244, 336))
d.arrow((259, 336), encoder[2])
d.label(r"$\cdots$", 251, 336, role="state")
d.label(r"$\cdots$", 251, 392, role="input")

# the decoder's state comes first, from the word and the attentional state before
unit = d.box("LSTM", 74, 336, width=52, role="state")
d.arrow(d.symbol("$h_{t{-}1}$", 17, 336, role="state"), unit, dashed=True)
d.arrow(d.symbol("$y_{t{-}1}$", 56, 392, role="output"), unit.bottom(-18), role="output", dashed=True)
d.arrow(d.symbol(r"$\tilde{h}_{t{-}1}$", 92, 392, role="state"), unit.bottom(18), dashed=True)
d.label("input feeding", 84, 415)

# global attention compares it with every source state; local attention with those of a window
score = d.box("score", 74, 270, role="gate", mark="new")
align = d.box("align", 74, 202, role="gate")
weights = d.frame(122, 184, 341, 220)
d.arrow(unit, score, label="$h_t$")
d.arrow((288, 270), score)
d.arrow(score, align, role="gate")
d.arrow(align, weights, role="gate", label="$a_t$")
total = d.circle("plus", 212, 150)
for (x, index), box in zip(columns, encoder, strict=True):
    times = d.circle("dot", x, 202, radius=9)
    d.arrow(box, times)
    d.dot(x, 270)
    d.label(f"$a_t({index})$", x + 13, 202, role="gate", anchor="start")
    d.label(rf"$\bar{{h}}_{index}$", x + 6, 242, role="state", anchor="start")
    d.arrow(*((times, total) if x == total.x else (times, (x, 150), total)), role="memory")

d.arrow((138, 406), (138, 412), (226, 412), (226, 406), role="gate", head=False)
d.label(r"local: a window $p_t\pm D$", 216, 425, role="gate")

# the attentional state, from which the word is predicted, and which is fed on
merge = d.box("tanh $W_c$", 212, 94, role="state", mark="new")
word = d.box("softmax $W_s$", 212, 32, role="output")
d.arrow(total, merge, role="memory", label="$c_t$")
d.arrow((74, 305), (26, 305), (26, 94), merge)
d.dot(74, 305)
d.arrow(merge, word, label=r"$\tilde{h}_t$")
d.arrow(word, d.symbol("$y_t$", 324, 32, role="output"), role="output")
d.arrow(merge, (340, 94), dashed=True)

if __name__ == "__main__":
    d.save(__file__)
