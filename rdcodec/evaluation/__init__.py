"""Rate and loss on real text and images: the protocol, the baselines to compare with, pictures of both, and pages of rows that were kept."""

from rdcodec.extras import need

need("hf", "torch", "transformers")

from rdcodec.evaluation.baselines import baseline_settings, published_settings
from rdcodec.evaluation.comparison import Comparison, bd_rate, compare, rate_at
from rdcodec.evaluation.losses import OutputLosses, output_losses
from rdcodec.evaluation.passages import Passages, cut_passages
from rdcodec.evaluation.plot import plot_rows
from rdcodec.evaluation.protocol import Setting, evaluate
from rdcodec.evaluation.rates_by_token import TokenRates, token_rates
from rdcodec.evaluation.report import report_html
from rdcodec.evaluation.results import Run, read_runs, results_page
from rdcodec.evaluation.rows import Row, Rows
from rdcodec.evaluation.windows import TextWindows, cut_text, whole_windows

__all__ = [
    "Comparison",
    "OutputLosses",
    "Passages",
    "Row",
    "Rows",
    "Run",
    "Setting",
    "TextWindows",
    "TokenRates",
    "baseline_settings",
    "bd_rate",
    "compare",
    "cut_passages",
    "cut_text",
    "evaluate",
    "output_losses",
    "plot_rows",
    "published_settings",
    "rate_at",
    "read_runs",
    "report_html",
    "results_page",
    "token_rates",
    "whole_windows",
]
