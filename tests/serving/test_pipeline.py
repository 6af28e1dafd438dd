"""Pipelines under torchrun with frames between their stages: the same text and bytes as `compress_at` in one process."""

import functools
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pipeline_worker
import pytest
import torch
from tiny_ends import LAYERS

from rdcodec import RdcodecError, compress_at
from rdcodec.serving import compress_pipeline, pipeline_layers

pytest.importorskip("transformers.distributed.pipeline_parallel")

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
SECONDS = 400  # of a pipeline at most, on a busy machine; none waits for another that long


@pytest.fixture(scope="module", params=[("llama", 2), ("tied", 4), ("qwen2", 2)], ids=lambda param: "{}-{}".format(*param))
def pipeline(request, folder_of, codec_of, whole_of, tmp_path_factory):
    """The whole model, its tokenizer, layers, codecs, and what each stage said."""
    name, size = request.param
    layers = range(LAYERS // size, LAYERS, LAYERS // size)
    codecs, folders = [codec_of(name, layer) for layer in layers], []
    out = tmp_path_factory.mktemp(f"{name}-{size}")
    for layer, codec in zip(layers, codecs):
        folders.append(str(out / f"layer{layer}"))
        codec.save_pretrained(folders[-1])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(size)]
    command += [str(HERE / "pipeline_worker.py"), folder_of(name), str(out), *folders]
    root = Path(compress_pipeline.__wrapped__.__code__.co_filename).parents[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(HERE), str(root)])}
    ran = subprocess.run(command, env=environment, timeout=SECONDS, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-4000:]
    said = [json.loads((out / f"{rank}.json").read_text()) for rank in range(size)]
    return *whole_of(name), list(layers), codecs, said


def in_one_process(model, layers, codecs, call):
    """What `compress_at` at all layers makes of a call, and its meters."""
    with ExitStack() as stack:
        meters = [stack.enter_context(compress_at(model, codec, layer=layer)) for layer, codec in zip(layers, codecs)]
        return call(), meters


@pytest.mark.parametrize("case", pipeline_worker.CASES)
def test_text_and_bytes_are_those_of_one_process(pipeline, case):
    model, tokenizer, layers, codecs, said = pipeline
    asked, count, best = pipeline_worker.CASES[case]
    call = functools.partial(pipeline_worker.run, model, pipeline_worker.inputs(tokenizer, count), asked)
    text, meters = in_one_process(model, layers, codecs, call)
    assert [stage[case]["text"] for stage in said] == [text] * len(said)
    assert [stage[case]["sent"] for stage in said] == [*(meter.bytes for meter in meters), 0]
    assert [stage[case]["received"] for stage in said] == [0, *(meter.bytes for meter in meters)]
    assert said[0][case]["tokens"] == meters[0].tokens
    if best is not None:  # the shape, and values and places
        assert said[0][case]["logits"] == pipeline_worker.NEW * (24 + count * best * 8)


def test_caches_that_the_model_makes_and_passes_without_one(pipeline):
    model, tokenizer, layers, codecs, said = pipeline
    ids = pipeline_worker.inputs(tokenizer, 1)["input_ids"]
    with torch.inference_mode():
        logits, _ = in_one_process(model, layers, codecs, lambda: pipeline_worker.steps(model, ids))
    for stage in said:
        torch.testing.assert_close(torch.tensor(stage["steps"]), logits, rtol=1e-5, atol=1e-5)


def test_what_is_refused(pipeline):
    model, _, layers, codecs, said = pipeline
    for rank, stage in enumerate(said):
        assert stage["layers"] == layers
        assert f"expected the same on all processes, and the same best_logits; rank {rank} has" in stage["others' codecs"]
        assert stage["too few"] == f"codecs: expected {len(layers)}, one for each of the layers {layers}, got {len(codecs) - 1}"
        assert stage["too fine"].startswith("quality: expected an integer")
        assert stage["no logits"].startswith("best_logits: expected")
    assert said[1]["lying"] == "frames of rank 0: expected 1 byte each and 100 together at most, got lengths [2147483647]"


def test_whole_models_are_refused(whole_of, codec_of):
    model, _ = whole_of("llama")
    with pytest.raises(RdcodecError, match="model: expected stages on 2 processes or more.*got a whole model"):
        with compress_pipeline(model, [codec_of("llama")]):
            pass


def test_releases_without_pipelines_are_refused(whole_of, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RdcodecError, match="transformers: expected 5.24 or later, which has pipelines, got"):
        pipeline_layers(whole_of("llama")[0])
