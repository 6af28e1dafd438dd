"""What `evaluate` gives: rows that are a list, a table and dictionaries."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING

from rdcodec.evaluation.figures import COLUMNS, figures_of, name_of

if TYPE_CHECKING:
    from typing import Any

__all__ = ["Rows"]


class Rows(list):
    """A list of `Row`, which notebooks show as a table."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries, of JSON values.

        Returns
        -------
        list of dict
        """
        return [asdict(row) for row in self]

    def to_frame(self) -> Any:
        """The rows as a table of pandas, a column an attribute of `Row`.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("a data frame needs pandas: pip install pandas") from error
        return pandas.DataFrame(self.to_dicts())

    def _repr_html_(self):
        several = len({row.layer for row in self}) > 1
        lines = [("method", *COLUMNS), *((name_of(row, several), *figures_of(row)) for row in self)]
        head, *body = ("".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in line) for tag, line in zip(["th"] + ["td"] * len(self), lines))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in body)}</tbody></table>"
