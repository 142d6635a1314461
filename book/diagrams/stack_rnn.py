"""One step of a recurrent network with a stack (Equations 2 to 6)."""

from unrolled.site.drawing import Drawing

d = Drawing(
    "stack_rnn",
    title="One step of a recurrent network with a stack",
    desc="""
    Two parts. Above, the stack moves from left to right. The stack s t-1 is a column of five cells, the top
    one first, of which three are filled; its two top cells are framed. It splits into two columns. The upper
    one, pop, has the cells moved up by one, so that the old top is gone. The lower one, push, has them moved
    down by one under a new value. Each is multiplied by its share, the share of pop and the share of push,
    and their sum is the column s t, in which four cells are filled, each of them a mixture. A dashed arrow
    takes it to the next step. Below, the network. The hidden units h t receive the input x t through U, the
    framed top cells of s t-1 through P, and h t-1 by a dashed arrow. Three boxes follow. Sigma of D h t
    gives the new value on top of the push column, the softmax of A h t gives a t, the two shares, and the
    softmax of V h t gives the output y t. The columns of push and pop, the products and the sum, the framed
    cells and the boxes of D and A are marked as new.
    """,
    caption="""
    The hidden units see a symbol and the top of a stack, and say in which shares to push and to pop. The new
    stack is a mixture of two: the old one pushed down under a new value, and the old one moved up.
    """,
    height=386,
)

# the stack moves: cells from the top down, mixed from what a push and what a pop would leave
share, value, empty = 0.75, 0.35, 0.0
old = [0.9, 0.5, 0.75, empty, empty]
down, up = [value, *old[:-1]], [*old[1:], empty]
before = d.grid(40, 116, [[cell] for cell in old])
popped = d.grid(138, 50, [[cell] for cell in up], mark="new")
pushed = d.grid(138, 182, [[cell] for cell in down], mark="new")
after = d.grid(306, 116, [[share * a + (1 - share) * b] for a, b in zip(down, up, strict=True)])
tops = d.grid(40, 96.5, [[empty], [empty]], over=True, mark="new")
d.symbol("$s_{t{-}1}$", 40, 70, role="memory")
d.symbol("$s_t$", 306, 70, role="memory")
d.label("pop", 112, 50)
d.label("push", 112, 186)
d.arrow(before, (138, 116), role="memory", head=False)
d.arrow((138, 116), popped, role="memory")
d.arrow((138, 116), pushed, role="memory")
d.dot(138, 116, role="memory")
of_pop = d.circle("dot", 196, 50, mark="new")
of_push = d.circle("dot", 196, 182, mark="new")
mix = d.circle("plus", 196, 116, mark="new")
for column, product in ((popped, of_pop), (pushed, of_push)):
    d.arrow(column, product, role="memory")
    d.arrow(product, mix, role="memory")
d.arrow(mix, after, role="memory")
d.arrow(after, (340, 116), role="memory", dashed=True)

# the network: hidden units see the symbol and the top cells, and say what to do and what comes next
hidden = d.box("hidden $h_t$", 94, 310, width=80, height=34, role="state")
new = d.box(r"$\sigma(D h_t)$", 94, 246, role="gate", mark="new")
actions = d.box(r"$\mathrm{softmax}(A h_t)$", 246, 246, role="gate", mark="new")
output = d.box(r"$\mathrm{softmax}(V h_t)$", 226, 310, role="output")
d.arrow(d.symbol("$x_t$", 94, 368, role="input"), hidden, role="input", label="$U$", side="right")
d.arrow(tops, (16, 96.5), (16, 303), hidden.left(-7), role="memory", label="$P$", side="right", part=1)
d.arrow(d.symbol("$h_{t{-}1}$", 22, 320), hidden.left(10), role="state", dashed=True)
d.arrow(hidden, new, role="state")
d.arrow(hidden, output, role="state")
d.arrow((154, 310), (154, 246), actions, role="state")
d.dot(154, 310)
d.arrow(output, d.symbol("$y_t$", 322, 310, role="output"), role="output")
d.arrow(new, (94, 156), pushed.left(-26), role="gate")
d.arrow(actions, (246, 182), role="gate", label="$a_t$", side="right", head=False)
d.arrow((246, 182), of_push, role="gate")
d.arrow((246, 182), (246, 50), of_pop, role="gate")
d.dot(246, 182, role="gate")
d.label("share of pop", 256, 50, anchor="start", role="gate")
d.label("share of push", 256, 182, anchor="start", role="gate")

if __name__ == "__main__":
    d.save(__file__)
