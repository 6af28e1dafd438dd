"""Numbers of tables."""

from dataclasses import fields

import pytest

from rdcodec.evaluation import Row, Rows
from rdcodec.evaluation.figures import with_error


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
    assert with_error(value, error, "") == expected


def test_signs():
    assert with_error(0.0207, None, "+") == "+0.0207"
    assert with_error(-0.0207, None, "+") == "-0.0207"


def test_rows_are_a_table_and_dictionaries():
    values = dict.fromkeys((field.name for field in fields(Row)), 1.0)
    rows = Rows(Row(**{**values, "method": name, "layer": 2, "quality": None, "variant": ""}) for name in ("a<b", "c"))
    assert [row["method"] for row in rows.to_dicts()] == ["a<b", "c"]
    html = rows._repr_html_()
    assert html.count("<tr>") == 3 and "<th>bits/token</th>" in html and "<td>a&lt;b</td>" in html


def test_rows_are_a_data_frame():
    pytest.importorskip("pandas")
    values = dict.fromkeys((field.name for field in fields(Row)), 1.0)
    frame = Rows([Row(**values)] * 3).to_frame()
    assert len(frame) == 3 and frame["kl"].tolist() == [1.0] * 3
