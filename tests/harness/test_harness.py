"""lm-eval with hidden states that travel as bytes: the same scores where nothing is lost, and real bits."""

import json

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.codecs import Codec, IntegerCodec, RawCodec

pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install 'rdcodec[eval]'")

import lm_eval
from lm_eval.tasks import TaskManager

from rdcodec import harness
from rdcodec.cli.app import run

CHANNELS, LAYER = 48, 1
TASKS = ["last_word", "choices", "documents", "generated"]


@pytest.fixture(scope="session")
def lossless(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lossless")
    RawCodec(CHANNELS, "bfloat16").save_pretrained(folder)
    return folder


@pytest.fixture
def scores(model_dir, tasks, tmp_path, monkeypatch):
    """Results of tasks by a model class."""
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def scores(model, names=TASKS, batch_size=4, **arguments):
        manager = TaskManager(include_path=str(tasks), include_defaults=False)
        given = {"pretrained": str(model_dir), "dtype": "bfloat16", "device": "cpu", **arguments}
        return lm_eval.simple_evaluate(model, given, names, batch_size=batch_size, task_manager=manager, bootstrap_iters=0)

    return scores


def figures(results):
    return {task: {name: value for name, value in found.items() if "," in name} for task, found in results["results"].items()}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("batch_size", [1, 5])
def test_with_a_lossless_codec_scores_are_those_of_hf(scores, lossless, task, batch_size):
    plain = scores("hf", [task], batch_size)
    coded = scores("rdcodec", [task], batch_size, codec=str(lossless), layer=LAYER)
    assert figures(coded) == figures(plain)
    assert [sample["resps"] for sample in coded["samples"][task]] == [sample["resps"] for sample in plain["samples"][task]]
    assert coded["config"]["bits_per_token"][task] > 16 * CHANNELS


def test_bits_are_those_of_the_texts(scores, lossless, texts):
    """A frame a text, without its last token, which nothing is predicted from, and without padding."""
    bits = scores("rdcodec", ["last_word"], codec=str(lossless), layer=LAYER)["config"]["bits_per_token"]["last_word"]
    codec, lengths = Codec.from_pretrained(lossless), [len(text.encode()) - 1 for text in texts]
    size = sum(len(codec.encoder().encode(np.ones((length, CHANNELS), np.float32))) for length in lengths)
    assert bits == pytest.approx(8 * size / sum(lengths))


def test_a_lossy_codec_changes_scores_and_batches_do_not(scores, tmp_path):
    IntegerCodec(CHANNELS, bits=2).save_pretrained(tmp_path / "codec")
    names, exact = ["last_word", "documents"], {"dtype": "float32"}  # so that batches change nothing to speak of
    plain = figures(scores("hf", names, **exact))
    one, five = (scores("rdcodec", names, size, codec=str(tmp_path / "codec"), layer=LAYER, **exact) for size in (1, 5))
    for task, metric in (("last_word", "perplexity,none"), ("documents", "byte_perplexity,none")):
        assert figures(one)[task][metric] != pytest.approx(plain[task][metric], rel=2e-3)
        assert figures(five)[task][metric] == pytest.approx(figures(one)[task][metric], rel=1e-3)
    assert one["config"]["bits_per_token"] == five["config"]["bits_per_token"]


def test_frames_of_one_token_cost_more(scores, lossless):
    whole, single = (
        scores("rdcodec", ["last_word"], codec=str(lossless), layer=LAYER, **more)["config"]["bits_per_token"]["last_word"]
        for more in ({}, {"frame_tokens": 1})
    )
    assert single > whole + 20


def test_the_largest_batch_is_found_without_bits(scores, lossless):
    given = {"codec": str(lossless), "layer": LAYER, "max_batch_size": 8}
    found = scores("rdcodec", ["last_word"], "auto", **given)["config"]["bits_per_token"]
    assert found == scores("rdcodec", ["last_word"], **given)["config"]["bits_per_token"]


def test_a_tuned_model_brings_its_codec(scores, model_dir, texts, tmp_path):
    pytest.importorskip("peft")
    from rdcodec import calibrate, load_model
    from rdcodec.training import TuneSettings, tune

    model, tokenizer = load_model(str(model_dir), "float32")
    codec = calibrate(model, tokenizer, [" ".join(texts)], LAYER, tokens=600)
    codec.default_quality = -24
    settings = TuneSettings(steps=3, qualities=(-24, -24), rank=2, learning_rate=5e-3)
    tune(model, tokenizer, [" ".join(texts)], codec, settings, tmp_path)
    given = {"dtype": "float32"}
    tuned = scores("rdcodec", ["documents"], tuned=str(tmp_path), **given)
    frozen = scores("rdcodec", ["documents"], codec=str(tmp_path), **given)
    assert tuned["config"]["bits_per_token"] == frozen["config"]["bits_per_token"]
    assert figures(tuned) != figures(frozen)
    assert tuned["config"]["codec_id"] == codec.codec_id.hex() and tuned["config"]["layer"] == LAYER


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "codec: expected a folder, or one of a tuned model as tuned, got codec=None and tuned=None"),
        ({"layer": 9}, "layer: expected 0 to 3, got 9"),
        ({"layer": None}, "layer: expected"),
        ({"layer": LAYER, "quality": 3}, "quality: expected an integer 0 to 0, got 3"),
        ({"layer": LAYER, "frame_tokens": 0}, "frame_tokens: expected 1 to 4096, got 0"),
    ],
)
def test_wrong_arguments_are_refused(model_dir, lossless, arguments, message):
    given = {"codec": str(lossless), **arguments} if arguments else {}
    with pytest.raises(RdcodecError, match=message):
        harness.CompressedLM(str(model_dir), device="cpu", **given)


def test_on_the_command_line_bits_stand_beside_the_scores(model_dir, lossless, tasks, tmp_path, capsys):
    arguments = {
        "--model": "rdcodec",
        "--model_args": f"pretrained={model_dir},codec={lossless},layer={LAYER}",
        "--tasks": "last_word,choices",
        "--include_path": tasks,
        "--batch_size": 4,
        "--device": "cpu",
        "--output_path": tmp_path / "results.json",
    }
    assert run(["lm-eval", *(str(part) for pair in arguments.items() for part in pair)]) == 0
    table = [line for line in capsys.readouterr().out.splitlines() if "bits_per_token" in line]
    assert len(table) == 2 and all("↓" in line for line in table)
    (written,) = tmp_path.glob("**/*.json")
    results = json.loads(written.read_text())["results"]
    assert all(results[task]["bits_per_token,none"] > 16 * CHANNELS for task in ("last_word", "choices"))


def test_what_is_wrong_is_said_in_a_line(model_dir, tasks, capsys):
    arguments = ["--model", "rdcodec", "--model_args", f"pretrained={model_dir}", "--tasks", "choices", "--include_path", tasks]
    assert run(["lm-eval", *map(str, arguments)]) == 1
    assert "rdcodec: codec: expected a folder" in capsys.readouterr().err
