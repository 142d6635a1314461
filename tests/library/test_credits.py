"""The references behind an object: of its own docstring, its live parts, and the lineage of its entry."""

from __future__ import annotations

import subprocess
import sys

import bibtexparser
import pytest
import torch

import unrolled
import unrolled.nn.scan
import unrolled.papers.bn_lstm
from unrolled.base.errors import UsageError
from unrolled.nn.cells import LSTM, lstm_step
from unrolled.papers.bn_lstm.classifier import SequenceClassifier
from unrolled.papers.bn_lstm.model import BNLSTM, bn_lstm_step

PAPER = "cooijmans2017recurrent"


def test_a_layer_cites_its_paper_and_what_the_paper_is_made_of():
    found = unrolled.cite(BNLSTM(2, 3, max_length=4))
    assert found.keys[0] == PAPER
    assert {"hochreiter1997long", "ioffe2015batch"} <= set(found.keys)
    reasons = {item.key: " ".join(item.reasons) for item in found}
    assert "BNLSTM follows Section 3; initial values from Section 4 and the released code." in reasons[PAPER]
    assert "is extended by BN-LSTM" in reasons["hochreiter1997long"]


def test_a_function_cites_what_its_docstring_and_the_entries_say():
    found = unrolled.cite(bn_lstm_step)
    assert "bn_lstm_step follows Section 3, equations 6 to 8." in found.items[0].reasons
    assert "batch_norm follows Section 2.2, equation 5." in found.items[0].reasons
    assert unrolled.cite(lstm_step).keys[0] == PAPER


def test_only_the_parts_that_a_model_has_are_cited():
    plain = SequenceClassifier("lstm", hidden_size=4)
    reasons = [reason for item in unrolled.cite(plain) for reason in item.reasons]
    assert any("LSTM (part 'layer')" in reason for reason in reasons)
    assert not any("BNLSTM" in reason for reason in reasons)
    normalised = SequenceClassifier("bn_lstm", hidden_size=4, max_length=4)
    reasons = [reason for item in unrolled.cite(normalised) for reason in item.reasons]
    assert any("BNLSTM (part 'layer')" in reason for reason in reasons)


def test_a_class_names_all_that_its_code_can_use():
    reasons = [reason for item in unrolled.cite(SequenceClassifier) for reason in item.reasons]
    assert any(reason.startswith("BNLSTM ") for reason in reasons)
    assert any(reason.startswith("LSTM ") for reason in reasons)


def test_parts_inside_a_model_of_ones_own_are_found():
    mine = torch.nn.Sequential(torch.nn.Linear(2, 2), LSTM(2, 3))
    assert "hochreiter1997long" in unrolled.cite(mine).keys


@pytest.mark.parametrize("module", [unrolled.papers.bn_lstm, unrolled])
def test_a_package_cites_all_that_its_modules_follow(module):
    assert PAPER in unrolled.cite(module).keys


def test_a_part_that_follows_no_paper_cites_the_book_alone():
    found = unrolled.cite(unrolled.nn.scan)
    assert found.keys == ("unrolled",)
    assert unrolled.__version__ in found.bibtex()


@pytest.mark.parametrize("thing", [3, torch.nn.Linear(1, 1), torch.nn.LSTM, len, torch])
def test_a_thing_from_elsewhere_is_wrong_use(thing):
    with pytest.raises(UsageError, match=r"nothing of .* is defined in unrolled"):
        unrolled.cite(thing)


def test_text_and_bibtex_name_every_reference():
    found = unrolled.cite(BNLSTM)
    text = str(found)
    assert text.startswith("References behind BNLSTM:\n- Cooijmans et al. (2017), Recurrent Batch")
    assert all(f"[{key}]" in text for key in found.keys)
    read = bibtexparser.parse_string(found.bibtex())
    assert read.failed_blocks == []
    assert tuple(entry.key for entry in read.entries) == found.keys
    assert repr(found).startswith(f"Credits(BNLSTM: {PAPER}, ")
    assert "Cooijmans, T." in found.render("apa")


def test_importing_the_package_stays_light():
    code = "import sys, unrolled; print([m for m in ('torch', 'yaml', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_knowledge_base_enters_no_key_of_a_paper():
    from unrolled.base.keys import closure

    assert not any("library" in module for module in closure(["unrolled.papers.bn_lstm.experiment"]))
