"""Lengths in every form: taken, or refused with what was given; what padding holds changes nothing."""

import pytest
import torch
from registry import Model
from support import BATCH, build, call, close, examples, gradients, models

from unrolled.nn.checks import ShapeError


def ends(model: Model) -> list[int]:
    """One sequence of full length, one of the shortest, one between."""
    return [model.longest, model.shortest, model.longest - 2]


@models("lengths")
def test_any_form_is_the_same(model):
    module, inputs, lengths = build(model).eval(), examples(model), ends(model)
    expected = call(model, module, inputs, lengths=torch.tensor(lengths))
    for form in (lengths, tuple(lengths), torch.tensor(lengths, dtype=torch.int32)):
        close(call(model, module, inputs, lengths=form), expected, rtol=0, atol=0)


@models("lengths")
def test_wrong_lengths_are_refused_with_what_was_given(model):
    module, inputs, full = build(model).eval(), examples(model), model.longest
    for wrong, message in (
        (torch.tensor([full]), rf"\[{BATCH}\], not \[1\]"),  # one for all
        (full, rf"\[{BATCH}\], not \[\]"),
        (torch.tensor(full), rf"\[{BATCH}\], not \[\]"),
        (torch.full((BATCH, 1), full), rf"\[{BATCH}\], not \[{BATCH}, 1\]"),
        ([full] * (BATCH + 1), rf"\[{BATCH}\], not \[{BATCH + 1}\]"),
        ([full, -2, 1], "not -2"),
        ([full, full + 1, 1], rf"not 1\.\.{full + 1}"),
        (torch.ones(BATCH), "whole numbers, not torch.float32"),
    ):
        with pytest.raises(ShapeError, match=message):
            call(model, module, inputs, lengths=wrong)


@models("lengths")
def test_a_length_below_the_shortest_is_refused(model):
    if not model.shortest:
        assert call(model, build(model).eval(), examples(model), lengths=[0] * BATCH)
        return
    assert f"at least {model.shortest}" in model.make.func.__doc__
    with pytest.raises(ShapeError, match=r"not 0\.\."):
        call(model, build(model).eval(), examples(model), lengths=[model.longest, 0, 1])


@models("lengths")
def test_what_padding_holds_changes_nothing(model):
    module, inputs, lengths = build(model), examples(model), torch.tensor(ends(model))
    inside = torch.arange(model.longest) < lengths[:, None]
    padded = [
        given.padded(x, inside) if place in model.padded else x
        for place, (x, given) in enumerate(zip(inputs, model.inputs, strict=True))
    ]
    expected = call(model, module, inputs, lengths=lengths)
    close(call(model, module, padded, lengths=lengths), expected, rtol=0, atol=0)
    found = gradients(model, module, padded, lengths=lengths)
    close(found, gradients(model, module, inputs, lengths=lengths), rtol=0, atol=0)


@models("lengths")
def test_full_lengths_change_nothing(model):
    module, inputs = build(model).eval(), examples(model)
    full = call(model, module, inputs, lengths=[model.longest] * BATCH)
    close(full, call(model, module, inputs))


@models("lengths")
def test_an_empty_batch_has_no_lengths(model):
    outputs = call(model, build(model).eval(), examples(model, batch=0), lengths=[])
    assert all(len(part) == 0 for part in outputs)
