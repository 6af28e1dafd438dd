"""How many tokens a model takes: as many as work, and one more is an index error of its own."""

import math

import pytest
import torch
from tiny_models import POSITIONS, build

from rdcodec import RdcodecError
from rdcodec.calibration.windows import all_windows
from rdcodec.codecs import RawCodec
from rdcodec.evaluation import Setting, evaluate
from rdcodec.splits import longest_input


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        *(("roberta", POSITIONS - 1), ("xlm-roberta", POSITIONS - 1)),
        *((name, POSITIONS) for name in ("bert", "deberta-v2", "distilbert", "gpt2", "gpt_neo", "gptj", "mpt", "opt")),
    ],
)
def test_the_longest_input_is_the_longest_that_works(name, longest):
    model = build(name)
    assert longest_input(model) == longest
    ids = torch.full((1, longest + 1), 5)
    with torch.no_grad():
        assert model(ids[:, :-1]).logits.shape[1] == longest
        with pytest.raises((IndexError, RuntimeError)):
            model(ids)


@pytest.mark.parametrize(("name", "longest"), [("mamba", math.inf), ("resnet", math.inf), ("llava", POSITIONS)])
def test_other_limits(name, longest):
    assert longest_input(build(name)) == longest


def test_windows_to_measure_on_are_as_long_as_the_model_allows():
    model, settings = build("roberta"), [Setting("raw", RawCodec(32), layer=1)]
    assert evaluate(model, torch.full((2, POSITIONS - 1), 5), settings)[0].tokens == 2 * (POSITIONS - 1)
    with pytest.raises(RdcodecError, match=rf"inputs: expected windows of 2 to {POSITIONS - 1} tokens, as the model allows"):
        evaluate(model, torch.full((2, POSITIONS), 5), settings)


def test_windows_to_fit_to_are_as_long_as_the_model_allows():
    rows, _ = all_windows(build("roberta"), lambda text, verbose: {"input_ids": [5] * len(text)}, ["a" * 200])
    assert rows.shape == (3, POSITIONS - 1)
