"""train: from a text to a folder with a codec."""

import json

import pytest
import torch

from rdcodec.cli.app import run
from rdcodec.codecs import Codec, ContextCodec

pytestmark = pytest.mark.slow

CHANNELS = 48


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def train(model_dir, text_files, tmp_path, cache):
    def train(*arguments, family="context"):
        given = ["--model", model_dir, "--layer", 1, "--family", family, "--text", text_files[0], "--out", tmp_path / "out"]
        return run(["train", *map(str, [*given, "--minutes", 0.02, "--cache", cache, *arguments])])

    return train


def test_train_writes_a_codec_and_what_was_measured(train, tmp_path, capsys):
    assert train("--lambda", "4e-3,1e-3", "--json", tmp_path / "r.json") == 0
    out, result = tmp_path / "out", json.loads((tmp_path / "r.json").read_text())
    codec = Codec.from_pretrained(out)
    assert isinstance(codec, ContextCodec)
    assert (codec.channels, codec.codec_id.hex(), codec.default_quality) == (CHANNELS, result["codec_id"], result["default_quality"])
    qualities = [point["quality"] for point in result["validation"]]
    assert qualities == [point["quality"] for point in result["points"]] == sorted(qualities)
    assert torch.load(out / "joint" / "checkpoint.pt", weights_only=True)["run"]["minutes"] == 0.01
    assert f"quality {qualities[0]}:" in capsys.readouterr().out


def test_a_checkpoint_is_resumed_only_if_asked(train, capsys):
    assert train("--lambda", "1e-3") == 0
    assert train("--lambda", "1e-3") == 1
    assert "checkpoint.pt exists; resume from it" in capsys.readouterr().err
    assert train("--lambda", "1e-3", "--resume") == 0


def test_states_that_nobody_asked_to_keep_are_removed(model_dir, text_files, tmp_path):
    given = ["--model", model_dir, "--layer", 1, "--family", "context", "--text", text_files[0], "--out", tmp_path]
    assert run(["train", *map(str, [*given, "--minutes", 0.02, "--lambda", "1e-3"])]) == 0
    assert (tmp_path / "config.json").exists() and not (tmp_path / "cache").exists()


def test_states_can_be_bfloat16(train, cache):
    assert train("--mixed-precision", "--lambda", "1e-3") == 0
    assert any("bfloat16" in json.loads(key.read_text())["dtype"] for key in cache.glob("*/key.json"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--lambda", "many"), "--lambda: expected numbers with commas between them, got 'many'"),
        (("--lambda", "0"), "lambdas: expected one or more, more than 0 nats a bit, got [0.0]"),
        (("--minutes", "0"), "minutes: expected more than 0, got 0.0"),
        (("--family", "transform"), "family: expected one of hyperprior-factorised"),
        (("--distortion", "l2"), "kind: expected 'kl' or 'cross-entropy', got 'l2'"),
    ],
)
def test_wrong_options_are_refused(train, capsys, wrong, message):
    assert train(*wrong) == 1
    assert message in capsys.readouterr().err
