"""Estimators of entropies, complexities and bounds: numbers with error bars. See docs/estimators.md.

Every function takes NumPy arrays and returns an `Estimate`; the same bits for any number of threads.
"""

from rdcodec.estimators.complexity import rademacher_complexity
from rdcodec.estimators.covariance import gaussian_entropy_bound, log_det_covariance
from rdcodec.estimators.differential import differential_entropy
from rdcodec.estimators.discrete import entropy
from rdcodec.estimators.estimate import Estimate

__all__ = [
    "Estimate",
    "differential_entropy",
    "entropy",
    "gaussian_entropy_bound",
    "log_det_covariance",
    "rademacher_complexity",
]
