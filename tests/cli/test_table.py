"""Numbers of the table."""

import pytest

from rdcodec.cli.table import _with_error


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (0.0207123, 0.00091, "0.0207 ± 0.0009"),
        (0.00014723, 5.4e-6, "0.000147 ± 0.000005"),
        (5.98e-8, 6.4e-9, "6.0e-08 ± 6.4e-09"),
        (12.5, None, "12.5000"),
        (0.0, 0.0, "0.0000 ± 0.0000"),
    ],
)
def test_digits(value, error, expected):
    assert _with_error(value, error, "") == expected


def test_signs():
    assert _with_error(0.0207, None, "+") == "+0.0207"
    assert _with_error(-0.0207, None, "+") == "-0.0207"
