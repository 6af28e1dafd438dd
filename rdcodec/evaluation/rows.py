"""What `evaluate` gives: a row a setting; rows are a list, a table and dictionaries."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from html import escape
from typing import TYPE_CHECKING

from rdcodec.evaluation.figures import columns_of, figures_of, name_of

if TYPE_CHECKING:
    from typing import Any

__all__ = ["Row", "Rows"]


@dataclass(frozen=True)
class Row:
    """Result of a setting.

    Attributes
    ----------
    method, layer
        As in the setting.
    quality : int or None
        None for families without one.
    bits_per_token, bits_per_element : float
        Real bits of the coded frames, their headers and checksums included.
    ratio : float
        How many times smaller than float16.
    kl : float
        Mean KL(uncompressed || compressed) over all outputs: nats a token, or an image.
    delta_nll : float
        Change of the mean negative log-likelihood of the predicted tokens, or of the labels, in nats.
    kl_stderr, delta_nll_stderr : float or None
        Standard errors of the means over windows or images; None with one. Those of windows are by blocks, as neighbours are
        alike (`rdcodec.evaluation.bootstrap.mean_error`).
    perplexity, base_perplexity : float
        Of the compressed model and of the uncompressed one.
    accuracy, base_accuracy : float
        How often the most likely token or class is the right one, 0 to 1. These and the losses before them, but for `kl`, are nan
        where no labels are known.
    tokens : int
        Tokens coded.
    encode_seconds, decode_seconds, forward_seconds : float
        Median time a window, a passage or an image takes in the codec, and in the whole uncompressed model, in the same run.
    variant, untuned : str
        As in the setting.
    window_bits, window_kl : list of float
        Bits a token and KL of each window or image, in their order.
    bits_per_token_stderr : float or None
    bits_design_effect, kl_design_effect : float or None
        How many times larger the variance of the mean is than it would be if windows were independent, 1 for images.
    predicted : str
        "tokens", the next ones; "last words" of passages, where KL is a predicted token's, the change of the log-likelihood and the
        perplexity a word's, and a word is right where all of its tokens are; or "classes".
    delta_accuracy_stderr : float or None
        Standard error of `accuracy` - `base_accuracy`, by differences of each window, passage or image.
    agreement : float
        How often the most likely token, word or class is that of the uncompressed model, 0 to 1.
    window_nll, window_accuracy : list of float
        Change of the negative log-likelihood, and accuracy, of each.
    position_bits : list of float
        Bits of tokens at positions 0, 1 to 3, 4 to 7, 8 to 15 and so on by octaves, where every token was a frame of its own; else
        empty.
    """

    method: str
    layer: int
    quality: int | None
    bits_per_token: float
    bits_per_element: float
    ratio: float
    kl: float
    kl_stderr: float | None
    delta_nll: float
    delta_nll_stderr: float | None
    perplexity: float
    base_perplexity: float
    accuracy: float
    base_accuracy: float
    tokens: int
    encode_seconds: float
    decode_seconds: float
    forward_seconds: float
    variant: str = ""
    window_bits: list = field(default_factory=list)
    window_kl: list = field(default_factory=list)
    bits_per_token_stderr: float | None = None
    bits_design_effect: float | None = None
    kl_design_effect: float | None = None
    predicted: str = "tokens"
    delta_accuracy_stderr: float | None = None
    agreement: float = math.nan
    window_nll: list = field(default_factory=list)
    window_accuracy: list = field(default_factory=list)
    position_bits: list = field(default_factory=list)
    untuned: str = ""


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
        lines = [("method", *columns_of(self)), *((name_of(row, several), *figures_of(row)) for row in self)]
        head, *body = ("".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in line) for tag, line in zip(["th"] + ["td"] * len(self), lines))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in body)}</tbody></table>"
