"""What all published methods promise: what they decode is near what they were given, frame by frame and token by token."""

import numpy as np
import pytest
from made_up import CHANNELS, error, states, transmitted

from rdcodec.errors import RdcodecError
from rdcodec.evaluation.baselines.codebook import CodebookCodec
from rdcodec.evaluation.baselines.fourier import FourierCodec
from rdcodec.evaluation.baselines.kvtc import ComponentPlan, KVTCCodec
from rdcodec.evaluation.baselines.packages import ZfpCodec, ZipNNCodec
from rdcodec.evaluation.baselines.residual import ResidualCodec
from rdcodec.evaluation.baselines.rotation import HadamardCodec
from rdcodec.evaluation.baselines.sparse import SparseCodec
from rdcodec.evaluation.baselines.tokenwise import TokenwiseCodec

# From coarse to fine.
CODECS = {
    "codebook": [lambda: CodebookCodec(CHANNELS, "uniform"), lambda: CodebookCodec(CHANNELS, "quantile")],
    "fourier": [lambda: FourierCodec(CHANNELS, 0.5, 0.7), lambda: FourierCodec(CHANNELS, 0.9), lambda: FourierCodec(CHANNELS, 1)],
    "hadamard": [lambda levels=levels: HadamardCodec(states(500, 1), levels) for levels in (4, 12, 30)],
    "kvtc-frame": [lambda budget=budget: KVTCCodec(plan("frame"), budget) for budget in (20, 60, 200)],
    "kvtc-token": [lambda budget=budget: KVTCCodec(plan("token"), budget, 2) for budget in (40, 120, 200)],
    "residual": [lambda bits=bits: ResidualCodec(CHANNELS, bits, 16) for bits in (3, 4, 8)],
    "sparse": [lambda bits=bits: SparseCodec(CHANNELS, bits) for bits in (5, 8, 12)],
    "tokenwise": [lambda tolerance=tolerance: TokenwiseCodec(CHANNELS, tolerance, 5) for tolerance in (0.5, 0.1, 0.02)],
}
PLANS = {}


def plan(scope):
    return PLANS.setdefault(scope, ComponentPlan(states(500, 1), scope, most=256))


@pytest.fixture(params=CODECS)
def codecs(request):
    return [make() for make in CODECS[request.param]]


def test_finer_settings_are_nearer(codecs):
    errors = [error(codec, states(64)) for codec in codecs]
    if not isinstance(codecs[0], CodebookCodec):
        assert errors == sorted(errors, reverse=True) and errors[-1] < 0.005
    assert max(errors) < 0.6


def test_finer_settings_cost_more(codecs):
    sizes = [transmitted(codec, states(64), 64)[1] for codec in codecs]
    if not isinstance(codecs[0], CodebookCodec):
        assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_single_tokens_and_odd_frames(codecs):
    h = states(21)
    for frame in (1, 4, 21):
        assert error(codecs[-1], h, frame) < 0.05


def test_extreme_tokens(codecs):
    """Zeros, one value for all, and a token a thousand times larger than the rest."""
    h = states(8)
    h[0], h[1], h[2] = 0, 7, 1000 * h[2]
    decoded, _ = transmitted(codecs[-1], h, 8)
    assert np.isfinite(decoded).all()


def test_whole_streams(codecs):
    h = states(33)
    assert codecs[-1].decode(codecs[-1].encode(h)).shape == h.shape


def test_settings_tell_codecs_apart(codecs):
    assert len({codec.codec_id for codec in codecs}) == len(codecs)


def test_no_checkpoints(codecs, tmp_path):
    with pytest.raises(RdcodecError, match="checkpoint"):
        codecs[0].save_pretrained(tmp_path)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_zipnn_is_lossless(dtype):
    pytest.importorskip("zipnn")
    torch = pytest.importorskip("torch")
    h = states(64)
    decoded, size = transmitted(ZipNNCodec(CHANNELS, dtype), h, 64)
    np.testing.assert_array_equal(decoded, torch.from_numpy(h).to(getattr(torch, dtype)).float().numpy())
    assert size < 2 * h.size + 100
    transmitted(ZipNNCodec(CHANNELS, dtype), h, 1)


def test_zfp_keeps_its_tolerance():
    pytest.importorskip("zfpy")
    h = states(64)
    tolerances = (0.01, 0.6, 0.8, 1.0)
    sent = [transmitted(ZfpCodec(CHANNELS, tolerance), h, 7) for tolerance in tolerances]
    assert all(np.abs(decoded - h).max() <= 1.0001 * tolerance for tolerance, (decoded, _) in zip(tolerances, sent))
    assert len({size for _, size in sent}) == len(tolerances)


def test_missing_packages_say_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "zfpy", None)
    with pytest.raises(ImportError, match=r"zfpy: pip install 'rdcodec\[baselines\]'"):
        ZfpCodec(CHANNELS, 1.0)
