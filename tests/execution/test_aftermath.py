"""Cells that print what follows from a training are found from their text; those that do not are left."""

from __future__ import annotations

import pytest

from unrolled.execution.aftermath import after_training

TRAINED = "runs = {s: chapter.train('live', s) for s in range(3)}"


@pytest.mark.parametrize(
    "source",
    [
        "chapter.train('live', 0)",
        "print(runs[0].losses[-1])",
        "loss = runs[0].losses\nlast = loss[-1]\nchapter.claim('low', value=last)",
        "def last(s):\n    return runs[s].losses[-1]\n\nprint(last(0))",
        "print([runs[s].losses[-1] for s in range(3)])",
        "for run in runs.values():\n    print(run.losses[-1])",
        "with torch.no_grad():\n    model = runs[0].model()\n    print(model(1))",
        "if runs[0].losses[-1] < 1:\n    print('low')",
        "last = 0\nfor s in range(3):\n    print(last)\n    last = runs[s].losses[-1]",
        "found = []\nfound.append(runs[0])\nprint(found)",
        "found = {}\nfound['a'] = runs[0]\nfound['b'] = 1\nprint(found)",
        "model = net()\nmodel.fit(x)\nprint(model)",
        "print(train_together(x))",
        "def descend():\n    optimiser.step()\n\nprint(descend())",
        "a, (b, *c) = 1, runs\nprint(c)",
        "total = runs[0].seconds\ntotal += 1\nprint(total)",
    ],
)
def test_a_cell_that_prints_what_a_training_gave_is_found(source: str) -> None:
    assert 1 in after_training([TRAINED, source])


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "loss = runs[0].losses",
        "def runs_of(runs):\n    return runs\n\nprint(runs_of(3))",
        "runs = 3\nprint(runs)",
        "for s in runs:\n    pass\nfor s in range(3):\n    print(s)",
        "state = model.step(x, h)\nprint(state)",
        "import torch\nloss = torch.mean(runs[0].losses)\nprint(torch.ones(1))",
        "figure, ax = plt.subplots()\nprint(trained_on)",
        "print([runs for runs in range(3)])",
    ],
)
def test_a_cell_that_prints_something_else_is_left(source: str) -> None:
    assert after_training([TRAINED, source]) == []


def test_a_name_follows_through_cells_until_it_gets_another_value() -> None:
    cells = [TRAINED, "model = runs[0].model()", "print(model)", "model = fresh()", "print(model)"]
    assert after_training(cells) == [2]
