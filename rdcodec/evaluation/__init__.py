"""Rate and loss on real text and images: the protocol, the baselines to compare with, and the picture of both."""

from rdcodec.evaluation.baselines import baseline_settings, published_settings
from rdcodec.evaluation.bounds import LayerBounds, layer_bounds, token_entropy_bound
from rdcodec.evaluation.comparison import Comparison, bd_rate, compare, rate_at
from rdcodec.evaluation.jacobian import head_norm
from rdcodec.evaluation.losses import OutputLosses, output_losses
from rdcodec.evaluation.plot import plot_rows
from rdcodec.evaluation.protocol import Row, Setting, evaluate
from rdcodec.evaluation.study import StudyRow, correlation, plot_study, study_row
from rdcodec.evaluation.windows import TextWindows, cut_text, whole_windows

__all__ = [
    "Comparison",
    "LayerBounds",
    "OutputLosses",
    "Row",
    "Setting",
    "StudyRow",
    "TextWindows",
    "baseline_settings",
    "bd_rate",
    "compare",
    "correlation",
    "cut_text",
    "evaluate",
    "head_norm",
    "layer_bounds",
    "output_losses",
    "plot_rows",
    "plot_study",
    "published_settings",
    "rate_at",
    "study_row",
    "token_entropy_bound",
    "whole_windows",
]
