"""One glimpse of the recurrent attention model (Figure 1)."""

import numpy as np

from unrolled.site.drawing import Drawing

d = Drawing(
    "ram",
    title="One glimpse of the recurrent attention model",
    desc="""
    At the bottom left an image x t with a digit seven and two specks of clutter, and over it three
    nested squares around one place. An arrow leads to three small patches, rho of x t and l t-1: the
    smallest square in full detail, the middle one coarser, the largest coarsest. The patches go up
    through a box Rect, Lin to h g; the place l t-1, which comes from the step before on a dashed line
    and also points at the image, goes through another to h l. A box Rect joins both to the glimpse
    vector g t. The recurrent core f h receives g t and h t-1 and gives h t, which goes to the next step
    and up to two boxes: f a gives the class a t, f l the next place l t. Sensor, glimpse network and
    the network for the place are marked as new.
    """,
    caption="""
    The network sees three small patches around one place, sharp in the middle and coarse around it, and
    decides from its state where to look next.
    """,
    height=410,
)

# the image, and what the sensor sees of it: patches around a place, each twice as wide as the one before
image = np.zeros((20, 20))
image[4:6, 6:15] = image[6:8, 12:14] = image[8:10, 11:13] = image[10:12, 10:12] = image[12:15, 9:11] = 0.9
image[16:18, 2:4] = image[2:5, 1:3] = 0.45  # clutter
row, column, cell = 9, 11, 5
picture = d.grid(62, 316, image, cell=cell, role="input")
at = picture.left()[0] + column * cell, picture.top()[1] + row * cell
patches = []
for k, half in enumerate((2, 4, 8)):
    d.grid(*at, [[0]], cell=2 * half * cell, role="input", mark="new", over=True)
    seen = image[row - half : row + half, column - half : column + half]
    pooled = seen.reshape(4, half // 2, 4, half // 2).mean((1, 3))
    patches.append(d.grid(146 + 40 * k, 316, pooled, cell=7, role="input", mark="new"))
d.arrow(picture, patches[0], role="input")
d.label(r"$\rho(x_t,l_{t{-}1})$", 186, 350, role="input")
d.label("$x_t$", 62, 254, role="input")

# what and where are joined, and read by a recurrent core
what = d.box("Rect, Lin", 186, 252, role="input", mark="new")
where = d.box("Rect, Lin", 290, 252, role="output", mark="new")
join = d.box("Rect", 238, 190, width=48, role="input", mark="new")
place = d.symbol("$l_{t{-}1}$", 290, 392, role="output")
d.arrow((132, 298), (132, 290), (240, 290), (240, 298), role="input", head=False)
d.arrow((186, 290), what, role="input")
d.arrow(place, where, role="output", dashed=True)
d.arrow(place, (62, 392), picture, role="output", dashed=True)
d.arrow(what, (186, 190), join, role="input", label="$h_g$", part=0, side="left")
d.arrow(where, (290, 190), join, role="output", label="$h_l$", part=0, side="right")
core = d.box("core $f_h$", 238, 124, role="state")
d.arrow(join, core, role="input", label="$g_t$")
d.arrow(d.symbol("$h_{t{-}1}$", 40, 124, role="state"), core, dashed=True)
d.arrow(core, (340, 124), dashed=True)
d.label("$h_t$", 322, 110, role="state")

# what it does: a class, and the place of the next glimpse
act = d.box("class $f_a$", 186, 60, role="output")
move = d.box("place $f_l$", 290, 60, role="output", mark="new")
d.arrow(core, (238, 92), head=False)
d.arrow((238, 92), (186, 92), act)
d.arrow((238, 92), (290, 92), move)
d.dot(238, 92)
d.arrow(act, d.symbol("$a_t$", 186, 14, role="output"), role="output")
d.arrow(move, d.symbol("$l_t$", 290, 14, role="output"), role="output")

if __name__ == "__main__":
    d.save(__file__)
