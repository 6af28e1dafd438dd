"""Learned codecs: integer networks choose each token's step and predict the mean and the scale of each of its levels.

The four families differ in what the prediction sees besides the token's codeword and step: hyper-latents, which are coded with the
token, and earlier tokens as they are decoded. Levels stand token after token, for each may wait for the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rdcodec.codecs.codebook import CODEBOOK_SPECS, unpack_codebook
from rdcodec.codecs.exact import EXACT_BITS
from rdcodec.codecs.fields import Integer, Tensor
from rdcodec.codecs.grid import grid_power
from rdcodec.codecs.limits import network_bytes, table_bytes
from rdcodec.codecs.transform_coding import BITS, VALUE_RANGE_BITS, TransformCoding, exact_matrix
from rdcodec.entropy import WIDE_ARRAYS
from rdcodec.errors import RdcodecError
from rdcodec.messages import shown
from rdcodec.net import IntegerNet

if TYPE_CHECKING:
    from typing import Any

    from rdcodec.codecs.exact import ExactMatrix
    from rdcodec.types import Array

__all__ = ["ContextCodec", "DirectAccessCodec", "FactorisedHyperpriorCodec", "FourierHyperpriorCodec", "LearnedCodec"]

LEAST_EMPHASISED = -16  # quality from which on downwards the emphasis does not grow
EMPHASIS_RANGE_BITS = 24  # of the integers on the way to a matrix
KEPT_MATRICES = 8


class LearnedCodec(TransformCoding):
    """A codec that `rdcodec train` makes; see `rdcodec.training`.

    Quality is on the grid: the quantisation step of the transformed state is proportional to ``2**(-quality / 8)``.

    Parameters
    ----------
    config : dict
        JSON values: the split (`layer`, `channels`), the number of hyper-latents, the integers of the number formats.
    tensors : dict of ndarray
        Transforms, codewords, scales, networks and frequency tables, as in the checkpoint; of `channels` components, [channels, ...].

    Raises
    ------
    RdcodecError
        A tensor is missing, does not have the type or the shape that the others ask for, or is out of its range.

    Attributes
    ----------
    uses_context : bool
        Whether the prediction sees earlier tokens.
    latent_density : str or None
        The density that tables of hyper-latents are made of, "factorised" or "fourier"; None without hyper-latents.
    """

    uses_context = False
    latent_density: str | None = None

    _MATRICES = KEPT_MATRICES + 4  # analysis, synthesis, and what is on the way to one
    FIELDS = {**TransformCoding.FIELDS, "latents": Integer(0, 65535), "emphasis_bits": BITS}
    SPECS = (
        *TransformCoding.SPECS,
        Tensor("analysis", np.int16, ("c", "c")),
        Tensor("synthesis", np.int16, ("c", "c")),
        *CODEBOOK_SPECS,
        Tensor("step_thresholds", np.int32, ("thresholds",), order="sorted"),
        Tensor("emphasis_in", np.int8, ("c", "emphasis")),
        Tensor("emphasis_out", np.int8, ("emphasis", "c")),
    )

    def __init__(self, config: dict[str, Any], tensors: dict[str, Array]) -> None:
        super().__init__(config, tensors)
        self._emphasised: dict[int, ExactMatrix] = {}  # by quality, as they are asked for: a decoder needs none
        self._check_emphasis()
        steps = _net("steps", tensors, self.channels, 1)
        latents = _net("latents", tensors, self.channels, self.latents) if self.latents else None
        for name, net in (("steps", steps), ("latents", latents)):
            if net and net.uses_context:
                raise RdcodecError(f"{name}: expected layers of one tap, for tokens are taken on their own")
        seen = self.channels if self.uses_context else 0
        net = _net("predictor", tensors, seen + self._sizes["selected"] + 1 + self.latents, 2 * self.channels)
        self._check_names([("steps", steps), ("latents", latents), ("predictor", net)])
        self._predictor = self._predictor_of(net.core, self.uses_context)
        self._core = self._core_of(unpack_codebook(tensors), (), steps, latents)

    def _check_names(self, nets):
        """Every tensor is of some use; those that are not there were missed before."""
        expected = {name for name, *_ in self.SPECS} | {prefix + name for prefix in ("", "word_") for name in WIDE_ARRAYS}
        expected.update(*(net.to_tensors(prefix) for prefix, net in nets if net))
        for name in sorted(self._parts.tensors.keys() - expected):
            raise RdcodecError(f"{shown(name)}: expected no such tensor in a checkpoint of family {self.family}")

    @property
    def latents(self) -> int:
        """int : hyper-latents a token."""
        return int(self._parts.config["latents"])

    def _check_emphasis(self):
        """Products are exact at every quality: the matrix of quality q is A + 2**(-q / 8) C, rounded, so that no column has a larger
        sum than A or the one that is emphasised most, but for the rounding."""
        sums = [matrix.column_sum() for matrix in (self.analysis, self._emphasised_analysis(LEAST_EMPHASISED))]
        if max(sums) + self.channels >= 2.0 ** (EXACT_BITS - VALUE_RANGE_BITS):
            raise RdcodecError(f"analysis and emphasis: an exact product needs more than {EXACT_BITS} bits")

    @classmethod
    def _memory(cls, sizes, tensors):
        layers = (tensor.shape for name, tensor in tensors.items() if name.endswith(".weight") and tensor.ndim == 3)
        return {
            **super()._memory(sizes, tensors),
            "words": 2 * sizes["codewords"] * sizes["c"],
            "word_frequencies": table_bytes(sizes["codebook_frequencies"], sizes["codebook_tables"]),
            "weights of networks": sum(map(network_bytes, layers)),
        }

    # ---- analysis

    def analysis_at(self, quality: int) -> Any:
        """With what the model's output minds most emphasised: the more so, the coarser the steps are."""
        quality = max(quality, LEAST_EMPHASISED)
        matrix = self._emphasised.get(quality)
        if matrix is None:
            matrix = self._emphasised_analysis(quality)
            if len(self._emphasised) >= KEPT_MATRICES:  # another thread may have filled it meanwhile, or be about to use what goes
                self._emphasised.clear()
            self._emphasised[quality] = matrix
        return matrix

    def _emphasised_analysis(self, quality):
        """Analysis A of integers becomes A + g A E, E of low rank in units, with sums that no machine rounds."""
        config, t = self._parts
        inner = (t["analysis"] / self.units) @ t["emphasis_in"].astype(np.float64)
        shift = max(0, int(np.frexp(np.abs(inner).max(initial=0.0))[1]) - EMPHASIS_RANGE_BITS)
        inner = np.rint(np.ldexp(inner, -shift))
        change = np.ldexp(inner @ t["emphasis_out"].astype(np.float64), shift - config["emphasis_bits"]) * self.units
        matrix = np.rint(t["analysis"] + float(grid_power(-quality)) * change)
        return exact_matrix("analysis and emphasis", matrix, config["analysis_bits"], config["state_bits"])


class FactorisedHyperpriorCodec(LearnedCodec):
    """Means and scales from hyper-latents with deep factorised densities (Balle et al., ICLR 2018)."""

    family = "hyperprior-factorised"
    latent_density = "factorised"


class FourierHyperpriorCodec(LearnedCodec):
    """Means and scales from hyper-latents with Fourier basis densities (De la Fuente et al., arXiv 2402.15345)."""

    family = "hyperprior-fourier"
    latent_density = "fourier"


class DirectAccessCodec(LearnedCodec):
    """Means and scales from hyper-latents and from earlier tokens (direct access, arXiv 2601.22002)."""

    family = "direct-access"
    latent_density = "factorised"
    uses_context = True


class ContextCodec(LearnedCodec):
    """Means and scales from earlier tokens alone."""

    family = "context"
    uses_context = True


def _net(name, tensors, inputs, outputs):
    net = IntegerNet.from_tensors(name, tensors)
    if (net.inputs, net.outputs) != (inputs, outputs):
        raise RdcodecError(f"{name}: expected a network of {inputs} inputs and {outputs} outputs, got {net.inputs} and {net.outputs}")
    return net
