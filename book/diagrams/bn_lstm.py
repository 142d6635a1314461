"""One step of the batch-normalised LSTM (Equations 6 to 8)."""

from unrolled.site.drawing import Drawing

d = Drawing(
    "bn_lstm",
    title="One step of a batch-normalised LSTM",
    desc="""
    Top row, from left to right: the cell c t-1 passes a product with the forget gate and a sum, and
    becomes c t, which goes on to the next step. Bottom: the state h t-1 is multiplied by W h and then
    normalised in a box BN gamma h; the input x t comes from below through W x and a box BN gamma x;
    both meet in a sum, to which the bias b is added. The sum feeds four boxes in a row: sigma for the
    forget gate, sigma for the input gate, tanh for the candidate, sigma for the output gate, whose
    inputs are marked f, i, g and o with a tilde. The input gate multiplies the candidate, and the
    product is added to the cell. On the right c t goes down through a third box BN gamma c and a tanh,
    and is multiplied by the output gate to give h t. Only the three BN boxes carry the colour of what
    is new. A note says that each step has its own statistics and that gamma starts at 0.1.
    """,
    caption="""
    An LSTM step with three normalisations added: of the recurrent product, of the input's product, and
    of the cell on its way to the output.
    """,
    height=404,
)

# the cell, from left to right
keep = d.circle("dot", 112, 44)
cell = d.circle("plus", 185, 44)
write = d.circle("dot", 185, 116)
d.arrow(d.symbol("$c_{t{-}1}$", 24, 44, role="memory"), keep, role="memory", dashed=True)
d.arrow(keep, cell, role="memory")
d.arrow(write, cell, role="memory")
d.arrow(cell, (304, 44), role="memory", label="$c_t$", head=False)
d.arrow((304, 44), (340, 44), role="memory", dashed=True)

# the gates, from the sum of two normalised products
forget = d.box(r"$\sigma$", 112, 186, width=28, height=28, role="gate")
enter = d.box(r"$\sigma$", 160, 186, width=28, height=28, role="gate")
new = d.box("tanh", 210, 186, width=44, height=28, role="state")
leave = d.box(r"$\sigma$", 258, 186, width=28, height=28, role="gate")
d.arrow(forget, keep, role="gate")
d.arrow(enter, (160, 116), write, role="gate")
d.arrow(new, (210, 116), write, role="state")
total = d.circle("plus", 185, 268)
for gate, name in ((forget, "f"), (enter, "i"), (new, "g"), (leave, "o")):
    d.arrow((185, 236), (gate.x, 236), gate, role="gate")
    d.label(rf"$\tilde{{{name}}}_t$", gate.x + 6, 219, role="gate", anchor="start")
d.arrow(total, (185, 236), role="gate", head=False)
d.dot(185, 236, role="gate")

recurrent = d.box("BN $\\gamma_h$", 132, 268, height=28, mark="new")
weights = d.box("$W_h$", 74, 268, height=28, width=34)
d.arrow(d.symbol("$h_{t{-}1}$", 24, 268, role="state"), weights, role="state", dashed=True)
d.arrow(weights, recurrent, role="state")
d.arrow(recurrent, total, role="state")
normal = d.box("BN $\\gamma_x$", 185, 312, height=28, mark="new")
inputs = d.box("$W_x$", 185, 352, height=28, width=34)
d.arrow(d.symbol("$x_t$", 185, 392, role="input"), inputs, role="input")
d.arrow(inputs, normal, role="input")
d.arrow(normal, total, role="input")
d.arrow(d.symbol("$b$", 232, 268), total, role="")

# the output, from the normalised cell
out = d.box("BN $\\gamma_c$", 304, 92, height=28, mark="new")
bound = d.box("tanh", 304, 138, height=28)
show = d.circle("dot", 304, 186)
d.dot(304, 44, role="memory")
d.arrow((304, 44), out, role="memory")
d.arrow(out, bound, role="memory")
d.arrow(bound, show, role="memory")
d.arrow(leave, show, role="gate")
hidden = d.symbol("$h_t$", 304, 238, role="state")
d.arrow(show, hidden)
d.arrow(hidden, (340, 238), dashed=True)
d.label("each step $t$ has\nits own statistics;\n$\\gamma$ starts at 0.1", 226, 344, anchor="start")

if __name__ == "__main__":
    d.save(__file__)
