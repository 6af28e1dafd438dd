"""How far a codec at a layer is from what its bits could be at least: bounds, the Jacobian of what comes before, and the study of both."""

from rdcodec.extras import need

need("hf", "torch", "transformers")

from rdcodec.theory.analysis import mixed_slope, within_between
from rdcodec.theory.bounds import LayerBounds, layer_bounds, token_entropy_bound
from rdcodec.theory.entropy_jacobian import entropy_norm, entropy_norms
from rdcodec.theory.exemplars import Exemplars
from rdcodec.theory.family import NetworkFamily, family_bound, network_family
from rdcodec.theory.jacobian import head_norm, head_norms
from rdcodec.theory.study import StudyRow, correlation, plot_study, study_row

__all__ = [
    "Exemplars",
    "LayerBounds",
    "NetworkFamily",
    "StudyRow",
    "correlation",
    "entropy_norm",
    "entropy_norms",
    "family_bound",
    "head_norm",
    "head_norms",
    "layer_bounds",
    "mixed_slope",
    "network_family",
    "plot_study",
    "study_row",
    "token_entropy_bound",
    "within_between",
]
