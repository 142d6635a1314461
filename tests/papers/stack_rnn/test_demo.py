"""What the prompts of the demo say holds for the weights that it runs."""

import functools

import numpy as np
import pytest
import torch

from unrolled import load
from unrolled.data.counting import ALPHABETS, streams
from unrolled.demos import Graph
from unrolled.papers.stack_rnn import demo as subject
from unrolled.papers.stack_rnn.memory import EMPTY

PUSH = 0


@functools.cache
def run(language, n, rounded):
    """Every output over the string of size ``n``, and how many of the foreseeable symbols it got wrong."""
    model, string = load(f"stack_rnn/{language}"), subject.text(language, n)
    x, stacks = subject.encode(language, string), subject.empty(model)
    step = Graph(subject.Step(model, rounded=rounded), {"x": x[:1], "stacks": stacks})
    found = step.unrolled({"stacks": stacks}, x=x)
    following = torch.tensor([ALPHABETS[language].index(letter) for letter in string + "a"])
    wrong = found["probabilities"].argmax(-1) != following
    return found, (wrong & foreseeable(language, n)).tolist()


def foreseeable(language, n):
    """After which steps the next symbol can be foreseen: all but the first of each run that is free."""
    free = {"anbncn": n, "anb2n": n, "anbmcnm": n}[language]
    return torch.arange(len(subject.text(language, n)) + 1) > free


def actions(language, n, rounded, letter):
    """The mean share of push of every stack over the steps that read a letter, but the first of them."""
    found, _ = run(language, n, rounded)
    read = ["", *subject.text(language, n)]
    steps = [t for t in range(1, len(read)) if read[t] == read[t - 1] == letter]
    return found["actions"][steps, :, PUSH].mean(0)


@pytest.mark.parametrize("language", list(subject.LANGUAGES))
def test_strings_are_of_the_language_and_foreseen_where_its_streams_say(language):
    n = 7
    found = streams(language, [[n]], np.random.default_rng(0))
    assert (found.decides[0, 1:] >= 0).tolist() == foreseeable(language, n).tolist()
    string, counts = subject.text(language, n), {}
    for letter in string:
        counts[letter] = counts.get(letter, 0) + 1
    a, b, c = (counts.get(letter, 0) for letter in "abc")
    assert string == "a" * a + "b" * b + "c" * c
    assert {"anbncn": a == b == c, "anb2n": b == 2 * a and not c, "anbmcnm": a + b == c and b}[language]


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("language", list(subject.LANGUAGES))
def test_the_step_is_the_model_that_was_trained(language, rounded):
    model, string = load(f"stack_rnn/{language}"), subject.text(language, subject.MOST)
    found, _ = run(language, subject.MOST, rounded)
    x = subject.encode(language, string).argmax(-1)
    trace = model.trace(x.unsqueeze(0), rounded=rounded)
    close = functools.partial(torch.testing.assert_close, rtol=0, atol=1e-5)
    close(found["probabilities"], trace.logits[0].softmax(-1))
    close(found["actions"], trace.actions[0])
    close(found["stacks"][:, :, 0], trace.stacks[0, :, :, 0])  # though the demo's stacks end sooner


def test_prompt_1_two_stacks_count_a_against_b_and_one_b_against_c():
    found, wrong = run("anbncn", 5, rounded=False)
    a, b, c = (actions("anbncn", 5, rounded=False, letter=letter) for letter in "abc")
    assert not any(wrong)
    for stack in (3, 9):
        assert a[stack - 1] > 0.9  # the first a of a string, seen with empty stacks, as well:
        assert found["actions"][1, stack - 1, PUSH] > 0.8
        assert b[stack - 1] < 0.1
    assert b[4 - 1] > 0.9
    assert c[4 - 1] < 0.1
    tops = found["stacks"][:, :, 0]
    assert (tops[10, [2, 8]] < -0.75).all()  # the last b has come in
    assert (tops[5:10, [2, 8]] > 0).all()
    assert tops[15, 3] < -0.9 < 0.8 < tops[14, 3]  # and the last c


def test_prompts_2_and_3_soft_actions_blur_sixty_and_rounded_ones_do_not():
    soft, wrong = run("anbncn", 60, rounded=False)
    early = [t for t, is_wrong in enumerate(wrong) if is_wrong and t < 120]  # while b come in
    assert early
    assert (soft["probabilities"].argmax(-1)[early] == 2).all()
    assert (soft["stacks"][60, [2, 8]] > 0).sum(-1).max() < 50  # sixty a have left fewer full cells
    pushes = soft["actions"][:61, [2, 8], PUSH] > 0.5
    assert pushes[5:40].all()
    assert not pushes[55:].any()
    sharp, wrong = run("anbncn", 60, rounded=True)
    assert not any(wrong)
    assert ((soft["stacks"][120, 3] > -0.8) & (soft["stacks"][120, 3] < 0.5)).sum() > 5
    within = (sharp["stacks"][120, 3] > EMPTY) & (sharp["stacks"][120, 3] < 0.5)
    assert not within.any()


def test_prompt_4_one_stack_adds():
    found, wrong = run("anbmcnm", 60, rounded=True)
    assert not any(wrong)
    top = found["stacks"][:, 0, 0]
    assert top[120] < -0.9 < 0.5 < top[119]  # empty once the last c has come in, and not before
    assert (found["actions"][1:61, 0, PUSH] == 1).all()
    a, b, c = (actions("anbmcnm", 60, rounded=True, letter=letter)[0] for letter in "abc")
    assert (a, b, c) == (1, 1, 0)


def test_prompt_5_where_actions_are_shared_rounding_does_harm():
    soft, wrong = run("anb2n", 12, rounded=False)
    assert not any(wrong)
    between = (soft["actions"][..., PUSH] - 0.5).abs() < 0.2
    assert between.float().mean() > 0.1
    for n in (12, 30, 60):
        _, wrong = run("anb2n", n, rounded=True)
        assert wrong.index(True) == 3 * n  # it goes on expecting b
