"""rdcodec watch: text generated through a codec, and what each of its tokens takes."""

import sys
from dataclasses import dataclass, field
from time import perf_counter
from typing import Annotated, Optional

import typer

from rdcodec.arguments import HOTTEST
from rdcodec.cli.links import shared_codec
from rdcodec.cli.loading import load_quietly
from rdcodec.cli.options import CodecDir, Json, Model, Quality, check_quality
from rdcodec.cli.output import check_writable, write_json
from rdcodec.cli.writing import Chat, MaxNewTokens, Prompt, Seed, Temperature, prompt_tokens, shown_text
from rdcodec.errors import RdcodecError
from rdcodec.pieces import TextPieces

__all__ = ["watch"]

BARS = "▁▂▃▄▅▆▇█"
NEWEST = 16  # tokens that have a bar


def watch(
    model: Model,
    codec: CodecDir,
    prompt: Prompt = None,
    chat: Chat = False,
    max_new_tokens: MaxNewTokens = 128,
    temperature: Temperature = 0.0,
    seed: Seed = 0,
    quality: Quality = None,
    layer: Annotated[Optional[int], typer.Option("--layer", help="Split point.", show_default="the codec's")] = None,
    json: Json = None,
):
    """Generate text through a codec, here; says what each token takes as it goes."""
    check_writable(json)
    loaded_codec, layer = shared_codec(codec, layer)
    check_quality(codec, loaded_codec, quality)
    if not 0 <= temperature <= HOTTEST:
        raise RdcodecError(f"--temperature: expected 0 to {HOTTEST}, got {temperature:g}")
    loaded, tokenizer = load_quietly(model)
    import torch

    from rdcodec import compress_at

    prompt = sys.stdin.read() if prompt is None else prompt
    ids = prompt_tokens(tokenizer, prompt, chat)
    if not ids.numel():
        raise RdcodecError("--prompt: expected some text, got none")
    torch.manual_seed(seed)
    sampling = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
    with compress_at(loaded, loaded_codec, quality, layer) as meter:
        rates = _Rates(meter)
        with shown_text(rates) as show:
            streamer = _Streamer(TextPieces(tokenizer), rates, show)
            loaded.generate(ids, max_new_tokens=max_new_tokens, streamer=streamer, **sampling)
    write_json(json, {"model": model, "codec": str(codec), "layer": layer, "prompt": prompt, "text": streamer.text, **rates.figures()})


@dataclass
class _Rates:
    """What a prompt and the tokens behind it take.

    Attributes
    ----------
    meter : Meter
        Of the model's split.
    prompt_bits_per_token : float or None
        Of the prompt, in one frame; None before it was sent.
    bits : list of int
        Of each token that was generated and sent, as a frame of its own. The last token of a text is not sent.
    """

    meter: object
    prompt_bits_per_token: float | None = None
    bits: list = field(default_factory=list)
    began: float = field(default_factory=perf_counter)
    _counted: int = 0

    def add(self):
        """Another token came out of the model: what went in for it has been sent."""
        sent, self._counted = self.meter.bytes - self._counted, self.meter.bytes
        if self.prompt_bits_per_token is None:
            self.prompt_bits_per_token = self.meter.bits_per_token
        else:
            self.bits.append(8 * sent)

    @property
    def bits_per_token(self):
        return sum(self.bits) / len(self.bits) if self.bits else None

    def figures(self):
        return {"prompt_bits_per_token": self.prompt_bits_per_token, "bits_per_token": self.bits_per_token, "bits": self.bits}

    def __str__(self):
        if not self.bits:
            return f"prompt {self.prompt_bits_per_token:,.0f} bits a token"
        newest = self.bits[-NEWEST:]
        bars = "".join(BARS[round((len(BARS) - 1) * bits / max(newest))] for bits in newest)
        return (
            f"{len(self.bits)} tokens, {len(self.bits) / (perf_counter() - self.began):.1f}/s | {self.bits[-1]:,} bits {bars} |"
            f" {self.bits_per_token:,.0f} a token, prompt {self.prompt_bits_per_token:,.0f} |"
            f" ratio {self.meter.ratio:.1f}"
        )


class _Streamer:
    """What `generate` tells of its tokens: the prompt first, then one by one."""

    def __init__(self, pieces, rates, show):
        self._pieces, self._rates, self._show = pieces, rates, show
        self._prompt_seen = False
        self.text = ""

    def put(self, tokens):
        if self._prompt_seen:
            self._rates.add()
            self._add(self._pieces.add(int(tokens)))
        self._prompt_seen = True

    def end(self):
        self._add(self._pieces.rest())

    def _add(self, piece):
        self.text += piece
        self._show(piece)
