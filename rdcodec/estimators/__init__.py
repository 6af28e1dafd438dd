"""Estimators of entropies, complexities and bounds: numbers with error bars. See docs/estimators.md.

Every function takes NumPy arrays and returns an `Estimate`; the same bits for any number of threads.
"""

from rdcodec.estimators.certificates import certify
from rdcodec.estimators.complexity import rademacher_complexity
from rdcodec.estimators.covariance import gaussian_entropy_bound, log_det_covariance
from rdcodec.estimators.covering import covering_bound
from rdcodec.estimators.cross_entropy import cross_entropy_bound
from rdcodec.estimators.differential import differential_entropy
from rdcodec.estimators.discrete import entropy
from rdcodec.estimators.estimate import Estimate
from rdcodec.estimators.lipschitz import spectral_norm
from rdcodec.estimators.output_rate import rate_at_divergence
from rdcodec.estimators.pac import occam_bound, pac_bound
from rdcodec.estimators.rate_distortion import rate_distortion, reverse_water_filling, scalar_quantisation, shannon_lower_bound

__all__ = [
    "Estimate",
    "certify",
    "covering_bound",
    "cross_entropy_bound",
    "differential_entropy",
    "entropy",
    "gaussian_entropy_bound",
    "log_det_covariance",
    "occam_bound",
    "pac_bound",
    "rademacher_complexity",
    "rate_at_divergence",
    "rate_distortion",
    "reverse_water_filling",
    "scalar_quantisation",
    "shannon_lower_bound",
    "spectral_norm",
]
