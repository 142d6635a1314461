"""The embedded digits: read without scikit-learn's import, and the same as its loader gives."""

import subprocess
import sys

import numpy as np
import pytest

from unrolled.base.errors import UnrolledError
from unrolled.data import digits


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    expected = load_digits()
    images, labels = digits.load()
    np.testing.assert_array_equal(images.numpy(), (expected.images / 16).astype(np.float32))
    np.testing.assert_array_equal(labels.numpy(), expected.target)


def test_a_missing_table_is_named(monkeypatch):
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    with pytest.raises(UnrolledError, match="digits are not there"):
        digits.load()


def test_reading_imports_no_scikit_learn():
    code = "import sys; from unrolled.data import digits; digits.load(); print('sklearn' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
