"""Language benchmarks of models whose hidden states travel as bytes: a model class for `lm-eval`.

`lm-eval` knows its models by a list of its own; importing this module adds "rdcodec" to it, and `run_lm_eval` is its command line with
that model in it.
"""

import sys
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

import lm_eval.evaluator
from lm_eval.__main__ import cli_evaluate
from lm_eval.api.registry import register_model
from lm_eval.models.huggingface import HFLM

from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError
from rdcodec.models import PACKAGED_MODEL, load_model
from rdcodec.splits import compress_at
from rdcodec.splits.fingerprint import check_codec, layer_of
from rdcodec.splits.hooks import block_input, on_every_call, replaced_input
from rdcodec.splits.meter import Meter
from rdcodec.splits.rows import Row

__all__ = ["CompressedLM", "run_lm_eval"]

METRIC = "bits_per_token"


@register_model("rdcodec")
class CompressedLM(HFLM):
    """A causal language model of Hugging Face with a codec at a layer; scores of any task, and real bits a token of each.

    Batches are those of the model class "hf", so with a lossless codec every score is the same to the last digit. Each row of a batch is
    coded on its own; its padding, which "hf" does not mask, is left as it is and costs nothing. Tasks are run one after the other.

    Parameters
    ----------
    pretrained : str
        Folder, hub id, or as `rdcodec.load_model` takes them, "smollm2-135m" or a GGUF file.
    codec : str, optional
        Folder of a codec.
    tuned : str, optional
        Folder of `rdcodec tune`, in place of `codec`: `pretrained` is tuned to it.
    layer : int, optional
        Split point; the codec's where it is not given.
    quality, frame_tokens, any_layer
        As for `compress_at`.
    **others
        Of the model class "hf".

    Raises
    ------
    RdcodecError
        The model is no causal one, or of an unknown architecture; neither or both of `codec` and `tuned` are given; the codec is of
        another layer or width; a value is out of its range; there are several processes.
    """

    def __init__(self, pretrained, codec=None, layer=None, tuned=None, quality=None, frame_tokens=None, any_layer=False, **others):
        if (codec is None) == (tuned is None):
            raise RdcodecError(f"codec: expected a folder, or one of a tuned model as tuned, got codec={codec} and tuned={tuned}")
        super().__init__(**_loaded(pretrained, others))
        if self.backend != "causal" or self.world_size > 1:
            raise RdcodecError(f"pretrained: expected a causal model and one process, got {self.backend} and {self.world_size}")
        self._codec = Codec.from_pretrained(codec) if tuned is None else self._tune(tuned)
        layer = layer_of(self._codec, layer)
        self._split = {"quality": quality, "frame_tokens": frame_tokens, "any_layer": any_layer}
        with compress_at(self.model, self._codec, layer=layer, **self._split):  # what is wrong with them is refused here
            self._site = check_codec(self.model, layer, self._codec, any_layer)
        self._meters, self._meter = {}, None
        self._known, self._lengths = None, None

    def _tune(self, folder):
        from rdcodec.training import load_tuned

        tuned = load_tuned(folder, self._model, merge=True)
        self._model = tuned.model
        return tuned.codec

    # ---- requests, each task's by itself

    def loglikelihood(self, requests, disable_tqdm=False):
        return self._task_by_task(super().loglikelihood, requests, disable_tqdm)

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        return self._task_by_task(super().loglikelihood_rolling, requests, disable_tqdm)

    def generate_until(self, requests, disable_tqdm=False):
        return self._task_by_task(super().generate_until, requests, disable_tqdm)

    def _task_by_task(self, run, requests, disable_tqdm):
        tasks, responses = {}, [None] * len(requests)
        for i, request in enumerate(requests):
            tasks.setdefault(request.task_name, []).append(i)
        for task, places in tasks.items():
            self._meter = self._meters.setdefault(task, Meter(self._codec.channels))
            for i, response in zip(places, run([requests[i] for i in places], disable_tqdm=disable_tqdm)):
                responses[i] = response
        return responses

    # ---- passes over whole rows

    def _loglikelihood_tokens(self, requests, *args, **kwargs):
        self._known = {tuple((context + rest)[-(self.max_length + 1) :][:-1]) for _, context, rest in requests}
        try:
            with on_every_call(self._site.place, self._transmit):
                return super()._loglikelihood_tokens(requests, *args, **kwargs)
        finally:
            self._known = None

    def _detect_batch_size(self, *args, **kwargs):
        """Tries batches of no text, which are not coded."""
        known, self._known = self._known, None
        try:
            return super()._detect_batch_size(*args, **kwargs)
        finally:
            self._known = known

    def _model_call(self, inps, *args, **kwargs):
        self._lengths = None if self._known is None else [self._length(row) for row in inps.tolist()]
        return super()._model_call(inps, *args, **kwargs)

    def _length(self, row):
        """Tokens of a row without its padding, which is zeros, as some tokens are."""
        length = len(row)
        while tuple(row[:length]) not in self._known:
            length -= 1
            if length < 1 or row[length]:
                raise RdcodecError("the batch holds a row that is no request with zeros behind it: another release of lm-eval?")
        return length

    def _transmit(self, block, args, kwargs):
        if self._lengths is None:
            return None
        layout, own = self._site.layout, block_input(args, kwargs)
        h = layout.to_tokens(own)
        arrived = h.clone()
        for sent, there, length in zip(h, arrived, self._lengths, strict=True):
            there[:length] = self._row().send(sent[:length])
        return replaced_input(args, kwargs, layout.from_tokens(arrived, own))

    def _row(self):
        return Row(self._codec, self._split["quality"], self._split["frame_tokens"] or self._codec.frame_tokens, self._meter)

    # ---- generation

    def _model_generate(self, *args, **kwargs):
        with compress_at(self.model, self._codec, layer=self._site.layer, **self._split) as meter:
            output = super()._model_generate(*args, **kwargs)
        self._meter.add(meter.tokens, meter.bytes, meter.encode_seconds, meter.decode_seconds)
        return output

    def get_model_info(self):
        """As of "hf", and bits a token of each task so far."""
        bits = {task: meter.bits_per_token for task, meter in self._meters.items()}
        return {**super().get_model_info(), "codec_id": self._codec.codec_id.hex(), "layer": self._site.layer, METRIC: bits}


def _loaded(pretrained, others):
    """Arguments of the model class "hf"; what only `load_model` knows is loaded by it."""
    if pretrained != PACKAGED_MODEL and Path(pretrained).suffix != ".gguf":
        return {"pretrained": pretrained, **others}
    dtype = others.pop("dtype", "float32")
    model, tokenizer = load_model(pretrained, "float32" if dtype == "auto" else dtype)
    return {"pretrained": model.to(others.get("device") or model.device), "tokenizer": tokenizer, **others}


def run_lm_eval(arguments):
    """The command line of `lm-eval` with the model "rdcodec", and bits a token among the scores.

    Parameters
    ----------
    arguments : list of str
        As `lm_eval` takes them.
    """
    before = sys.argv
    sys.argv = ["lm_eval", *arguments]
    try:
        with _bits_among_scores():
            cli_evaluate()
    finally:
        sys.argv = before


@contextmanager
def _bits_among_scores():
    """Scores are a task's own: bits a token, which are the model's, are put beside them as they are returned."""
    evaluate = lm_eval.evaluator.simple_evaluate

    @wraps(evaluate)
    def with_bits(*args, **kwargs):
        results = evaluate(*args, **kwargs)
        for task, bits in (results or {}).get("config", {}).get(METRIC, {}).items():
            results["results"][task][f"{METRIC},none"] = bits
            results["higher_is_better"].setdefault(task, {})[METRIC] = False
        return results

    lm_eval.evaluator.simple_evaluate = with_bits
    try:
        yield
    finally:
        lm_eval.evaluator.simple_evaluate = evaluate
