"""A memory network answers a question with two hops (Equations 1 to 4)."""

from unrolled.site.drawing import Drawing

d = Drawing(
    "memory_networks",
    title="A memory network with two hops",
    desc="""
    Two columns. On the left sentences pass a box I, features, and a box G, next slot, and enter a memory of
    four slots, the newest on top: Joe went to the hall, Joe got the milk, Fred got the apple, Joe went to the
    den. On the right the question x enters a frame O, find, with two boxes one above the other. Hop 1 takes
    the best memory by the score s O of x and m i; it hands m o1 to hop 2, which takes the best by the
    score of x with m o1, and m i. The memory points at both. Joe got the milk is marked o1, Joe went to
    the den o2. Above the frame a box R takes the best word by the score s R of x, m o1, m o2 and w, and
    gives the answer r. The question reaches all three boxes by a line on the right. All boxes but I and
    the slots are marked as new.
    """,
    caption="""
    Each sentence is kept in a slot of its own. A hop picks the one slot that fits the query best and adds it
    to the query; after two hops the last score ranks the words of the answer.
    """,
    height=440,
)

# written once: every sentence goes to the next free slot
x_m, x_q, side = 80, 252, 328
d.frame(4, 124, 156, 298, mark="new")
d.label("memory, newest on top", 14, 140, anchor="start", role="memory")
facts = ["Joe went to the hall", "Joe got the milk", "Fred got the apple", "Joe went to the den"]
slots = [d.box(fact, 72, 276 - 35 * i, width=124, height=27, role="memory") for i, fact in enumerate(facts)]
d.label("$o_1$", 145, slots[1].y, role="gate")
d.label("$o_2$", 145, slots[3].y, role="gate")
write = d.box("$G$: next slot", x_m, 334, width=104, height=28, role="memory", mark="new")
features = d.box("$I$: features", x_m, 380, width=104, height=28)
d.arrow(d.symbol("sentences", x_m, 424, role="input"), features, role="input")
d.arrow(features, write, role="input")
d.arrow(write, (x_m, 300), role="memory")

# read hop by hop, and answered
d.frame(172, 124, 338, 298, mark="new")
d.label("$O$: find", 182, 140, anchor="start", role="gate")
first, second = [
    d.box(
        f"hop {n}: best $m_i$\nby $s_O({query}, m_i)$", x_q, y, width=122, height=44, role="gate", mark="new"
    )
    for n, query, y in ((1, "x", 258), (2, "[x, m_{o1}]", 178))
]
question = d.symbol("question $x$", x_q, 424, role="input")
answer = d.box(
    "$R$: best word $w$\nby $s_R([x, m_{o1}, m_{o2}], w)$", x_q, 62, height=44, role="output", mark="new"
)
d.arrow(question, first, role="input")
d.arrow(first, second, role="memory", label="$m_{o1}$", side="left")
d.arrow(second, answer, role="memory")
d.label("$m_{o1}, m_{o2}$", x_q - 6, 106, role="memory", anchor="end")
d.arrow(answer, d.symbol("answer $r$", x_q, 12, role="output"), role="output")
d.arrow((x_q, 372), (side, 372), (side, 178), second, role="input")
d.label("$x$", side - 10, 334, role="input")
d.arrow((side, 178), (side, 86), role="input")
d.dot(x_q, 372, role="input")
d.dot(side, 178, role="input")
for hop in (first, second):
    d.arrow((156, hop.y), hop, role="memory", label="$m_i$", side="above")

if __name__ == "__main__":
    d.save(__file__)
