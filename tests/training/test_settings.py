"""Settings: the range of lambdas, the learning rate's course, and what is refused."""

import pytest
import torch

from rdcodec import RdcodecError
from rdcodec.training import Settings, Tradeoff

TRADEOFF = Tradeoff(lambda0=4e-5, slope=0.25)


def test_one_lambda_is_one_quality():
    settings = Settings.for_lambdas([3e-4], TRADEOFF, steps=1)
    assert settings.qualities == (-12, -12) and settings.validation_qualities == [-12]
    assert settings.lambda_of(-12) == pytest.approx(3e-4)


def test_lambdas_are_the_ends_of_the_range():
    settings = Settings.for_lambdas([1e-5, 4e-5, 1.6e-4], TRADEOFF, steps=1)
    assert settings.qualities == (-8, 8) and settings.validation_qualities == [-8, 0, 8]
    lambdas = settings.lambda_of(torch.tensor([-8, 0, 8]))
    assert lambdas.tolist() == pytest.approx([1.6e-4, 4e-5, 1e-5])


def test_qualities_are_those_that_codecs_have():
    """Where rate hardly weighs against distortion, as of a model that learned little, a bit is worth what is asked far outside."""
    settings = Settings.for_lambdas([1e-30, 4e-5, 1e10], TRADEOFF, steps=1)
    assert settings.qualities == (-64, 64) and settings.lambda_of(0) == pytest.approx(4e-5, rel=0.1)
    assert Settings.for_lambdas([1e10], TRADEOFF, steps=1).qualities == (-64, -64)


def test_the_learning_rate_rises_and_falls():
    settings = Settings(steps=1, warm_up=0.2)
    assert [settings.rate_factor(fraction) for fraction in (0.0, 0.1, 0.2, 0.6, 1.0)] == pytest.approx([0, 0.5, 1, 0.5, 0])
    assert Settings(steps=1, warm_up=0.0).rate_factor(0.0) == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": None}, "expected steps or minutes, got steps=None and minutes=None"),
        ({"minutes": 1}, "expected steps or minutes, got steps=1 and minutes=1"),
        ({"steps": 0}, "steps: expected at least 1, got 0"),
        ({"windows": 0}, "windows: expected at least 1, got 0"),
        ({"lambda0": 0.0}, "lambda0: expected more than 0, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate: expected more than 0, got nan"),
        ({"warm_up": 1.0}, "warm_up: expected 0 to less than 1, got 1.0"),
        ({"qualities": (2, 1)}, r"qualities: expected the lowest and the highest, got \(2, 1\)"),
    ],
)
def test_wrong_values_are_refused(wrong, message):
    with pytest.raises(RdcodecError, match=message):
        Settings(**{"steps": 1, **wrong})


@pytest.mark.parametrize("lambdas", [[], [1e-4, -1.0], [float("inf")]], ids=str)
def test_wrong_lambdas_are_refused(lambdas):
    with pytest.raises(RdcodecError, match="lambdas: expected one or more, more than 0"):
        Settings.for_lambdas(lambdas, TRADEOFF, steps=1)
