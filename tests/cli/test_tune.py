"""tune: from a model and a codec to a folder with both."""

import json
import subprocess
import sys

import pytest

from rdcodec import Codec
from rdcodec.cli.app import run
from rdcodec.models import load_model
from rdcodec.training import load_tuned

pytest.importorskip("peft")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def tune(model_dir, codec_dir, text_files, tmp_path, cache):
    def tune(*arguments):
        given = ["--model", model_dir, "--codec", codec_dir, "--text", text_files[0], "--out", tmp_path / "out"]
        return run(["tune", *map(str, [*given, "--cache", cache, "--steps", 3, "--quality", "-24", *arguments])])

    return tune


def test_tune_writes_both_and_what_was_measured(tune, codec_dir, model_dir, tmp_path, capsys):
    assert tune("--json", tmp_path / "r.json", "--merge", tmp_path / "merged") == 0
    result = json.loads((tmp_path / "r.json").read_text())
    tuned = load_tuned(tmp_path / "out", load_model(str(model_dir))[0])
    assert result["codec_id"] == tuned.codec.codec_id.hex() == Codec.from_pretrained(codec_dir).codec_id.hex()
    assert tuned.codec.default_quality == -24
    (before,), (after,) = result["before"], result["after"]
    assert after["distortion"] < before["distortion"] and after["bits_per_token"] == before["bits_per_token"]
    assert f"quality -24: {before['distortion']:.4f} nats at" in capsys.readouterr().out


def test_a_log_has_no_bars_and_no_warnings_of_libraries(model_dir, codec_dir, text_files, tmp_path):
    """Without a terminal, as in cron jobs: what is said is said by the command."""
    given = {"--model": model_dir, "--codec": codec_dir, "--text": text_files[0], "--out": tmp_path / "out", "--merge": tmp_path / "merged"}
    command = [
        sys.executable,
        "-m",
        "rdcodec.cli",
        "tune",
        "--steps",
        "2",
        "--quality=-24",
        *(part for pair in given.items() for part in pair),
    ]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"loading {model_dir}\n"


def test_a_merged_model_is_measured_as_any_other(tune, text_files, tmp_path, capsys):
    assert tune("--part", "both", "--lambda", "1e-4", "--full", "--merge", tmp_path / "merged") == 0
    arguments = ["--model", tmp_path / "merged", "--codec", tmp_path / "merged" / "codec", "--text", text_files[1]]
    capsys.readouterr()
    assert run(["eval", *map(str, [*arguments, "--window", 64, "--windows", 2])]) == 0
    assert "was fitted to a model" not in capsys.readouterr().err


def test_eval_holds_a_tuned_model_against_the_untuned_one(tune, model_dir, codec_dir, text_files, tmp_path, capsys):
    """In one run, at equal bits where the tail alone was tuned; the codec that both have is measured once in the untuned model."""
    assert tune("--steps", 20) == 0
    arguments = {"--model": model_dir, "--tuned": tmp_path / "out", "--text": text_files[1], "--window": 64, "--windows": 4}
    given = [*(str(part) for pair in arguments.items() for part in pair), "--json", str(tmp_path / "r.json")]
    assert run(["eval", *given, "--codec", str(codec_dir), "--quality=-24"]) == 0
    assert "layer 1 against untuned, by paired differences: KL -" in capsys.readouterr().out
    frozen, tuned = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert (frozen["method"], tuned["method"]) == ("transform", "transform, tail tuned")
    assert (tuned["untuned"], tuned["variant"]) == ("transform", str(tmp_path / "out"))
    assert tuned["bits_per_token"] == frozen["bits_per_token"] and tuned["kl"] < frozen["kl"]
    assert tuned["base_perplexity"] == frozen["base_perplexity"]


def test_a_checkpoint_is_resumed_only_if_asked(tune, capsys):
    assert tune() == 0
    assert tune() == 1
    assert "checkpoint.pt exists; resume from it" in capsys.readouterr().err
    assert tune("--resume") == 0


def test_a_range_of_qualities(tune, tmp_path):
    assert tune("--quality", "-24,-8", "--json", tmp_path / "r.json") == 0
    assert [point["quality"] for point in json.loads((tmp_path / "r.json").read_text())["after"]] == [-24, -16, -8]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--quality", "fine"), "--quality: expected one quality, or the lowest and the highest with a comma between, got 'fine'"),
        (("--quality", "1,2,3"), "--quality: expected one quality"),
        (("--part", "middle"), "part: expected one of tail, head, both, got middle"),
        (("--lambda", "1e-4"), "lambda_rate: expected 0 where the tail is tuned"),
        (("--loss", "l2"), "kind: expected one of kl, cross-entropy, got l2"),
        (("--steps", "0"), "steps: expected at least 1, got 0"),
        (("--learning-rate", "0"), "learning_rate: expected more than 0, got 0.0"),
        (("--layer", "2"), "codec: expected one of layer 2, got one of layer 1"),
    ],
)
def test_wrong_options_are_refused(tune, capsys, wrong, message):
    assert tune(*wrong) == 1
    assert message in capsys.readouterr().err
