"""Deep Knowledge Tracing over three exercises (Figure 1, Equations 1 to 3)."""

from unrolled.site.drawing import Drawing

d = Drawing(
    "dkt",
    title="Deep Knowledge Tracing over three exercises",
    desc="""
    Three time steps from left to right, a chain of RNN boxes that begins with h 0. Into each box comes
    from below x t, a grid of five rows, one for each exercise, and two columns, wrong and right, with
    one dark cell: exercise 2 right, exercise 3 wrong, exercise 5 right. Out of each box goes up y t, a
    column of five shaded cells, the chance of a right answer to every exercise. From each column a line
    leaves the cell of the next exercise, q t+1, and goes up to a box with the loss, which also receives
    the next answer a t+1. The grids x t and the columns y t are marked as new, the RNN boxes as taken
    over.
    """,
    caption="""
    A recurrent network reads which exercise was answered and how, and predicts every exercise at once;
    only the prediction for the next one enters the loss.
    """,
    height=392,
)

asked, right = (1, 2, 4, 3), (1, 0, 1)  # which of five exercises, and whether the answer was right
known = [(0.5, 0.75, 0.3, 0.45, 0.35), (0.5, 0.65, 0.2, 0.4, 0.3), (0.55, 0.65, 0.25, 0.55, 0.8)]
previous = d.symbol("$h_0$", 14, 236, role="state")
for t, (x, chances) in enumerate(zip((64, 162, 260), known, strict=True)):
    core = d.box("RNN", x, 236, width=46, role="state")
    d.arrow(previous, core)
    previous = core
    pair = [[0.95 if (k, a) == (asked[t], right[t]) else 0.06 for a in (0, 1)] for k in range(5)]
    given = d.grid(x, 328, pair, cell=12, role="input", mark="new")
    d.arrow(given, core, role="input")
    d.label(f"$x_{t + 1}$", x + 24, 328, role="input", anchor="start")
    d.label(f"$q_{t + 1},\\,a_{t + 1}$", x, 374, role="input")
    said = d.grid(x, 150, [[p] for p in chances], cell=12, role="output", mark="new")
    d.arrow(core, said, role="output")
    d.label(f"$y_{t + 1}$", x - 12, 150, role="output", anchor="end")
    height = said.top()[1] + 12 * (asked[t + 1] + 0.5)
    loss = d.box(r"$\ell$", x + 34, 66, width=26, height=26, role="output")
    d.arrow((x + 6, height), (x + 34, height), loss, role="output")
    d.label(f"$q_{t + 2}$", x + 40, 104, role="input", anchor="start")
    d.arrow(d.symbol(f"$a_{t + 2}$", x + 34, 18, role="input"), loss, role="input")
d.arrow(previous, (340, 236), dashed=True)

if __name__ == "__main__":
    d.save(__file__)
