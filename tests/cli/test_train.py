"""train: from a text to a folder with a codec, by way of a small module in place of the families' own."""

import json
import sys
from types import ModuleType

import pytest
import torch
from noisy_quantiser import NoisyQuantiser

from rdcodec.cli.app import run
from rdcodec.codecs import Codec, IntegerCodec

CHANNELS = 48


class Quantiser(NoisyQuantiser):
    def finish(self, states, progress):
        progress("tables", 1.0)
        assert not self.training and len(states.held_out)
        return IntegerCodec(len(self.log_step), bits=4)


@pytest.fixture
def families(monkeypatch):
    """The module that the command asks for a start; it keeps what it was asked for."""
    families = ModuleType("rdcodec.training.families")
    families.asked = []

    def start(family, model, tokenizer, texts, layer, progress):
        families.asked.append((family, layer, len(texts)))
        progress("start", 1.0)
        return Quantiser(model.config.hidden_size)

    families.start = start
    monkeypatch.setitem(sys.modules, families.__name__, families)
    monkeypatch.setattr("rdcodec.training.families", families, raising=False)
    return families


@pytest.fixture
def train(model_dir, text_files, tmp_path, families):
    def train(*arguments):
        given = ["--model", model_dir, "--layer", 1, "--family", "quantiser", "--text", text_files[0], "--out", tmp_path / "out"]
        return run(["train", *map(str, [*given, "--minutes", 0.01, *arguments])])

    return train


def test_train_writes_a_codec_and_what_was_measured(train, families, tmp_path, capsys):
    assert train("--lambda", "4e-3,1e-3", "--json", tmp_path / "r.json") == 0
    out, result = tmp_path / "out", json.loads((tmp_path / "r.json").read_text())
    assert families.asked == [("quantiser", 1, 1)]
    codec = Codec.from_pretrained(out)
    assert (codec.channels, codec.codec_id.hex()) == (CHANNELS, result["codec_id"])
    assert [point["quality"] for point in result["validation"]] == [-4, 0, 4]
    assert len(list((out / "cache").iterdir())) == 1
    assert torch.load(out / "checkpoint.pt", weights_only=True)["run"]["minutes"] == 0.01
    assert "quality -4:" in capsys.readouterr().out


def test_a_checkpoint_is_resumed_only_if_asked(train, families, capsys):
    assert train() == 0
    assert train() == 1
    assert "checkpoint.pt exists; resume from it" in capsys.readouterr().err
    assert len(families.asked) == 1
    assert train("--resume") == 0


def test_states_can_lie_elsewhere_and_be_bfloat16(train, tmp_path):
    assert train("--cache", tmp_path / "cache", "--mixed-precision") == 0
    (key,) = (tmp_path / "cache").glob("*/key.json")
    assert "bfloat16" in json.loads(key.read_text())["dtype"]
    assert not (tmp_path / "out" / "cache").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--lambda", "many"), "--lambda: expected numbers with commas between them, got 'many'"),
        (("--lambda", "0"), "lambdas: expected one or more, more than 0 nats a bit, got [0.0]"),
        (("--minutes", "0"), "minutes: expected more than 0, got 0.0"),
    ],
)
def test_wrong_options_are_refused_before_the_work(train, families, capsys, wrong, message):
    assert train(*wrong) == 1
    assert message in capsys.readouterr().err
    assert not families.asked
