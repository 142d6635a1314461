"""One step of the Neural Turing Machine, and inside a head (Figures 1 and 2, Equations 2 to 9)."""

from itertools import pairwise

import numpy as np

from unrolled.site.drawing import Drawing

d = Drawing(
    "ntm",
    title="One step of a Neural Turing Machine",
    desc="""
    Two parts. Above, one time step from left to right. The memory M t-1, a grid of N rows, passes an
    erase product and an add sum and becomes M t, in which one row has changed. A controller at the
    bottom, an LSTM or a feed-forward network, receives the input x t and the vector r t-1 read one step
    before. It sends e t and a t to a write head, and k t, beta t, g t, s t and gamma t to the write
    head and to a read head. The write head drives the erasing with w t e t and the adding with w t a t.
    The read head points at M t with w t and gets r t back, which goes to the output y t, beside the
    controller's own arrow, and to the next step. Below, what happens in each head, as four boxes in a
    row: content, from M t-1, k t and beta t; interpolate, with w t-1 and g t; shift, with s t; sharpen,
    with gamma t. Above each box stands the weighting over five rows that it gives: w c has its peak at
    row 4, w g at row 2 as the last weighting had, after the shift the peak is at row 3, and sharpening
    leaves nearly all weight there.
    """,
    caption="""
    In one step the controller steers heads that erase, add and read softly at every row of a memory;
    each head finds its place by content, by its last place and by a shift.
    """,
    height=438,
)

# one step: the controller steers the heads, which write the memory and read it
rows = [[0.1, 0.55, 0.3, 0.75], [0.6, 0.2, 0.45, 0.1], [0.05] * 4, [0.35, 0.7, 0.15, 0.5], [0.05] * 4]
before = d.grid(50, 68, rows, mark="new")
after = d.grid(266, 68, [*rows[:2], [0.7, 0.3, 0.8, 0.2], *rows[3:]], mark="new")
d.symbol("$M_{t{-}1}$", 50, 20, role="memory")
d.symbol("$M_t$", 266, 20, role="memory")
d.label("$N$ rows", 50, 113)
erase = d.circle("dot", 120, 68, mark="new")
add = d.circle("plus", 188, 68, mark="new")
d.label("erase", 120, 46)
d.label("add", 188, 46)
d.arrow(before, erase, role="memory")
d.arrow(erase, add, role="memory")
d.arrow(add, after, role="memory")
d.arrow(after, (340, 68), role="memory", dashed=True)

write = d.box("write head", 154, 160, width=100, role="gate", mark="new")
read = d.box("read head", 266, 160, width=78, role="gate", mark="new")
d.arrow(write.top(-34), erase, role="gate", label=r"$w_t\,e_t$", side="left")
d.arrow(write.top(34), add, role="gate", label=r"$w_t\,a_t$", side="right")
d.arrow(read.top(-13), after.bottom(-13), role="gate", label="$w_t$", side="left")
d.arrow(after.bottom(13), read.top(13), role="memory", label="$r_t$", side="right")

controller = d.box("controller\n(LSTM or feed-forward)", 196, 244, width=184, height=40, role="state")
d.arrow(controller.top(-76), write.bottom(-34), role="gate", label=r"$e_t,\,a_t$", side="left")
d.arrow(controller.top(-20), write.bottom(22), role="gate")
d.arrow(controller.top(70), read, role="gate")
d.label(r"$k_t\,\beta_t\,g_t\,s_t\,\gamma_t$", 221, 201, role="gate")
d.arrow(d.symbol("$x_t$", 42, 234, role="input"), controller.left(-10), role="input")
d.arrow(d.symbol("$r_{t{-}1}$", 34, 255, role="memory"), controller.left(11), role="memory", dashed=True)
output = d.symbol("$y_t$", 324, 244, role="output")
d.arrow(controller, output, role="output")
d.arrow(read, (324, 160), role="memory", head=False)
d.arrow((324, 160), output, role="memory", label="$r_t$", side="left")
d.arrow((324, 160), (340, 160), role="memory", dashed=True)
d.dot(324, 160, role="memory")

# inside a head: the weighting after each stage, computed for five rows
g, s, gamma = 0.3, {0: 0.2, 1: 0.8}, 3
last, by_content = np.array([0.02, 0.9, 0.04, 0.02, 0.02]), np.array([0.15, 0.1, 0.1, 0.6, 0.05])
gated = g * by_content + (1 - g) * last
shifted = sum(np.roll(gated, by) * share for by, share in s.items())
sharp = shifted**gamma / (shifted**gamma).sum()
d.frame(4, 284, 338, 434, mark="new")
d.label("in each head: where to read or write", 16, 299, anchor="start")
stages = [
    ("content", 45, by_content, "$w_t^{c}$"),
    ("interpolate", 134, gated, "$w_t^{g}$"),
    ("shift", 220, shifted, r"$\tilde{w}_t$"),
    ("sharpen", 297, sharp, "$w_t$"),
]
boxes = [d.box(name, x, 374, role="gate", mark="new") for name, x, *_ in stages]
for (_, x, weights, name), box in zip(stages, boxes, strict=True):
    strip = d.grid(x - 10, 334, [[w] for w in weights], cell=8, role="gate")
    d.label(name, x + 10, 334, role="gate")
    d.arrow(box.top(-10), strip, role="gate", head=False)
for one, other in pairwise(boxes):
    d.arrow(one, other, role="gate")
content, mix, shift, sharpen = boxes
for name, box, dx, role in (
    ("$M_{t{-}1}$", content, -18, "memory"),
    (r"$k_t\,\beta_t$", content, 20, "gate"),
    ("$w_{t{-}1}$", mix, -20, "gate"),
    ("$g_t$", mix, 20, "gate"),
    ("$s_t$", shift, 0, "gate"),
    (r"$\gamma_t$", sharpen, 0, "gate"),
):
    d.arrow(
        d.symbol(name, box.x + dx, 419, role=role), box.bottom(dx), role=role, dashed=name == "$w_{t{-}1}$"
    )

if __name__ == "__main__":
    d.save(__file__)
