"""The demo of the chapter: a string of a counting language, and the stacks that count its symbols."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from unrolled import load
from unrolled.data.counting import ALPHABETS
from unrolled.demos import Demo, Graph, Prompt
from unrolled.demos.picture import heat
from unrolled.papers.stack_rnn.memory import EMPTY
from unrolled.papers.stack_rnn.model import StackRNN, StackState, prediction, traced_step

LANGUAGES = {"anbncn": "aⁿbⁿcⁿ", "anbmcnm": "aⁿbᵐcⁿ⁺ᵐ", "anb2n": "aⁿb²ⁿ"}
MOST, LONGEST = 60, 180
"""The largest size of a string, and the longest text."""

CELLS = LONGEST // 2 + 4
"""Cells of a stack: what lies deeper cannot come back to the top before the longest text ends."""

PROMPTS = (
    Prompt(
        "Five of each",
        "Two kinds of counter. Stacks 3 and 9 push for every a and pop for every b; stack 4 pushes for every "
        "b and pops for every c. When one is used up its top falls to about −1, and another symbol is due.",
        {"language": "anbncn", "n": 5, "rounded": False},
    ),
    Prompt(
        "Sixty of each, three times as many",
        "No string in training had more than nineteen of a letter. Before the sixty a are over, stacks 3 and "
        "9 begin to pop, so they hold too few. They are empty too early, and c is expected while b come in.",
        {"language": "anbncn", "n": 60, "rounded": False},
    ),
    Prompt(
        "The same with rounded actions",
        "Now every stack either pushes or pops, its cells stay sharp, and every symbol that can be foreseen "
        "is. The weights are the same as before.",
        {"language": "anbncn", "n": 60, "rounded": True},
    ),
    Prompt(
        "An addition: a and b together make c",
        "One stack can add. Stack 1 pushes for every a and for every b, and pops for every c, so it is "
        "empty when there are as many c as a and b together.",
        {"language": "anbmcnm", "n": 60, "rounded": True},
    ),
    Prompt(
        "Two b for each a, where rounding does harm",
        "Here some actions lie between push and pop, and the network has come to rely on them. Rounded, it "
        "does not notice that the string is over; take away “round actions”, and it does.",
        {"language": "anb2n", "n": 12, "rounded": True},
    ),
)


class Step(nn.Module):
    """One step: what the network expects next, what it does to its stacks, and the stacks after that."""

    outputs = ("probabilities", "actions", "stacks")

    def __init__(self, model: StackRNN, *, rounded: bool) -> None:
        super().__init__()
        self.model, self.options = model, model.options._replace(rounded=rounded)

    def forward(self, x: Tensor, stacks: Tensor):
        """From a symbol ``[1, symbols]``, one-hot, and stacks ``[1, stacks, cells]``."""
        model = self.model
        h = x.new_zeros(1, model.hidden_size)  # without R the hidden units do not see their last values
        state, x_term = StackState(h, stacks), functional.linear(x, model.U)
        after, (h, actions, _) = traced_step(state, x_term, model.weights, self.options)
        return prediction(h, model.V), actions, after.stacks


def text(language: str, n: int) -> str:
    """The string of size ``n``; in aⁿbᵐcⁿ⁺ᵐ a third of the letters before the c's are b's."""
    m = n // 3
    counts = {"anbncn": (n, n, n), "anbmcnm": (n - m, m, n), "anb2n": (n, 2 * n)}[language]
    return "".join(letter * count for letter, count in zip("abc", counts, strict=False))


def encode(language: str, string: str) -> Tensor:
    """One-hot symbols ``[time, symbols]``, after the last one of a string before it."""
    alphabet = ALPHABETS[language]
    numbers = [alphabet.index(letter) for letter in alphabet[-1] + string]
    return functional.one_hot(torch.tensor(numbers), len(alphabet)).float()


def empty(model: StackRNN) -> Tensor:
    """Stacks before the first step."""
    return torch.full((1, len(model.D), CELLS), EMPTY)


def picture(x: Tensor, found: dict[str, Tensor], rows: int, at: int) -> str:
    """The first state: symbols read and expected, actions over time, and the stacks at step ``at``."""
    letters = "".join(f"<span>{letter}</span>" for letter in ALPHABETS["anbncn"])
    push, pop = found["actions"].unbind(-1)
    cells = (found["stacks"][at, :, :rows].T + 1) / 2
    numbers = "".join(f'<th scope="col">{stack + 1}</th>' for stack in range(len(cells.T)))
    shares = "".join(
        f'<td class="stack-{"push" if share >= 0.5 else "pop"}">{round(100 * float(share))}</td>'
        for share in push[at]
    )
    tops = "".join(f"<td>{signed(float(top))}</td>" for top in found["stacks"][at, :, 0])
    return (
        f'<div class="stack-phases"><span>{LANGUAGES["anbncn"]}, n = 5</span><span>10 of 10 '
        'right</span></div><div class="stack-names stack-a">'
        f"<b>reads</b>{letters}</div>"
        f'<div class="stack-reads">{heat("reads", {"mark": x.T})}</div>'
        f'<div class="stack-names stack-b"><b>next</b>{letters}</div>'
        f'<div class="stack-next">{heat("next", {"mark": found["probabilities"].T})}</div>'
        '<div class="stack-key"><b>stacks</b><span class="demo-write">push</span>'
        '<span class="demo-read">pop</span></div>'
        f'<div class="stack-actions">{heat("actions", {"write": push.T, "read": pop.T})}</div>'
        '<div class="stack-over"></div>'
        f'<div class="stack-steps"><span>1</span><span>step</span><span>{len(x)}</span></div>'
        "<table><caption>What each stack does, and the value at its top</caption><thead><tr>"
        f'<th scope="row">stack</th>{numbers}</tr></thead><tbody>'
        f'<tr><th scope="row">push, %</th>{shares}</tr>'
        f'<tr><th scope="row">top</th>{tops}</tr></tbody></table>'
        '<div class="stack-depth">cells, −1&nbsp;to&nbsp;1</div>'
        f'<div class="stack-cells">{heat("cells", {"plus": cells})}</div>'
    )


def signed(number: float) -> str:
    """A number with two digits, a true minus, and no zeros that say nothing."""
    return f"{round(number, 2) + 0.0:.2f}".replace(".00", "").replace("-", "−").replace("0.", ".")


def demo() -> Demo:
    """The demo, on the weights that the evidence of the three languages kept."""
    graphs, models = {}, {language: load(f"stack_rnn/{language}") for language in LANGUAGES}
    for language, model in models.items():
        given = {"x": encode(language, "")[:1], "stacks": empty(model)}
        graphs[f"{language}-soft"] = Graph(Step(model, rounded=False), given)
        graphs[f"{language}-rounded"] = Graph(Step(model, rounded=True), given)
    n, stacks = 5, empty(models["anbncn"])
    x = encode("anbncn", text("anbncn", n))
    found = graphs["anbncn-soft"].unrolled({"stacks": stacks}, x=x)
    rows, at = max(8, n + 2), n + 3
    return Demo(
        title="Watch the stacks count",
        lead="A trained network reads a string symbol by symbol and says what comes next. Choose a language "
        "and a size, or write a string of your own.",
        stage=picture(x, found, rows, at),
        caption="Five a, five b and five c are read. Two stacks push while the a come in and pop while the b "
        "do; another pushes for the b and pops for the c. Once it is empty the next string is expected.",
        prompts=PROMPTS,
        graphs=graphs,
        trace={**found, "stacks": found["stacks"][:, :, : 2 * rows]},
        settings={
            "languages": {
                name: {"label": label, "alphabet": ALPHABETS[name]} for name, label in LANGUAGES.items()
            },
            "at": at,
            "n": n,
            "most": MOST,
            "longest": LONGEST,
            "trained": 19,
        },
        live={"stacks": stacks},
    )
