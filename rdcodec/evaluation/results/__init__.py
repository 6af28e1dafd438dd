"""Tables and pictures of evaluations that were kept as JSON."""

from rdcodec.evaluation.results.page import results_page
from rdcodec.evaluation.results.runs import Run, read_runs

__all__ = ["Run", "read_runs", "results_page"]
