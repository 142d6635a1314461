"""The RNN Encoder-Decoder and its gated unit (Figures 1 and 2, Equations 5 to 8)."""

from unrolled.site.drawing import Drawing

d = Drawing(
    "rnn_encoder_decoder",
    title="The RNN Encoder–Decoder and its gated unit",
    desc="""
    Two parts. Above, an encoder of units f reads x 1, x 2 to x T from left to right; its last state
    becomes the vector c. From c a decoder of units f starts, and every one of its units also receives c
    from below. Above each decoder unit a box g gives a word, y 1 and y 2, and a dashed line brings y 1
    into the next unit. Below, the inside of a unit of the encoder. The old state h t-1 runs along the top, is
    multiplied by the update gate z t, and added to the candidate, which is multiplied by 1 minus z t;
    the sum is the new state h t. The candidate is a tanh of the input x t and of the old state
    multiplied by the reset gate r t. Both gates are sigma boxes that receive x t and h t-1. Everything
    but the output boxes g is marked as new.
    """,
    caption="""
    One network reads a phrase into the vector c, another writes a phrase from it; in every unit a reset
    gate r and an update gate z decide what the old state still counts for.
    """,
    height=432,
)

# the two networks: a phrase in, one vector, a phrase out
row = 104
encoder = [d.box("$f$", x, row, width=30, role="state", mark="new") for x in (26, 72, 142)]
decoder = [d.box("$f$", x, row, width=30, role="state", mark="new") for x in (226, 298)]
d.arrow(encoder[0], encoder[1])
d.arrow(encoder[1], (99, row))
d.label(r"$\cdots$", 107, row, role="state")
d.arrow((114, row), encoder[2])
for box, name in zip(encoder, ("1", "2", "T"), strict=True):
    d.arrow(d.symbol(f"$x_{name}$", box.x, 160, role="input"), box, role="input")
d.label(r"$\cdots$", 107, 160, role="input")
summary = d.symbol("$c$", 184, row, role="memory")
d.arrow(encoder[2], summary)
d.arrow(summary, decoder[0], role="memory")
d.arrow(decoder[0], decoder[1])
d.arrow(decoder[1], (340, row), dashed=True)
for box, name in zip(decoder, "12", strict=True):
    g = d.box("$g$", box.x, 52, width=30, height=26, role="output")
    d.arrow(box, g)
    y = d.symbol(f"$y_{name}$", box.x, 14, role="output")
    d.arrow(g, y, role="output")
    if name == "1":
        d.arrow(y, (262, 14), (262, 96), decoder[1].left(-8), role="output", dashed=True)
d.arrow(summary, (184, 146), (298, 146), decoder[1], role="memory")
d.arrow((226, 146), decoder[0], role="memory")
d.dot(226, 146, role="memory")
d.label("encoder", 84, 76)
d.label("decoder", 262, 164)

# inside the unit: a gate that forgets, and a gate that keeps
d.frame(4, 188, 338, 428, mark="new")
d.label("inside the encoder's $f$", 16, 204, anchor="start")
top, low = 240, 346
keep = d.circle("dot", 184, top, mark="new")
total = d.circle("plus", 258, top, mark="new")
take = d.circle("dot", 258, 294, mark="new")
update = d.box(r"$\sigma$", 184, 294, width=32, height=28, role="gate", mark="new")
reset = d.box(r"$\sigma$", 64, low, width=32, height=28, role="gate", mark="new")
forget = d.circle("dot", 124, low, mark="new")
candidate = d.box("tanh", 258, low, height=28, role="state", mark="new")
old = d.symbol("$h_{t{-}1}$", 28, top, role="state")
d.arrow(old, keep, dashed=True)
d.arrow(keep, total)
d.arrow(total, d.symbol("$h_t$", 322, top, role="state"))
d.arrow((64, top), reset)
d.arrow((124, top), forget)
d.arrow((124, 294), update)
for x, y in ((64, top), (124, top), (124, 294)):
    d.dot(x, y)
d.arrow(update, keep, role="gate", label="$z_t$")
d.arrow(update, take, role="gate", label="$1-z_t$")
d.arrow(reset, forget, role="gate", label="$r_t$")
d.arrow(forget, candidate)
d.arrow(candidate, take, label=r"$\tilde{h}_t$")
d.arrow(take, total)
x = d.symbol("$x_t$", 28, 404, role="input")
d.arrow(x, (258, 404), candidate, role="input")
for gate in (reset, update):
    d.arrow((gate.x, 404), gate, role="input")
    d.dot(gate.x, 404, role="input")

if __name__ == "__main__":
    d.save(__file__)
