"""rdcodec generate: text from the head of a model here and its tail elsewhere."""

import logging
import signal
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Optional

import typer

from rdcodec.cli.links import Dtype, Insecure, TokenFile, need_serving, read_token, shared_codec
from rdcodec.cli.loading import load_quietly
from rdcodec.cli.options import CodecDir, Json, Model, Quality
from rdcodec.cli.output import check_writable, say, write_json
from rdcodec.cli.writing import Chat, MaxNewTokens, Prompt, Seed, Temperature, prompt_tokens, shown_text

__all__ = ["generate"]


def generate(
    model: Model,
    codec: CodecDir,
    connect: Annotated[str, typer.Option("--connect", help="HOST:PORT of the tail.", show_default=False)],
    prompt: Prompt = None,
    chat: Chat = False,
    max_new_tokens: MaxNewTokens = 128,
    temperature: Temperature = 0.0,
    top_k: Annotated[int, typer.Option("--top-k", help="Draw from so many tokens; 0 from all.")] = 0,
    top_p: Annotated[float, typer.Option("--top-p", help="Draw from the fewest tokens of this probability.")] = 1.0,
    min_p: Annotated[float, typer.Option("--min-p", help="Draw from tokens of this part of the largest probability.")] = 0.0,
    repetition_penalty: Annotated[
        float, typer.Option("--repetition-penalty", help="Above 1 against repetition; the tail gets the prompt's tokens then.")
    ] = 1.0,
    seed: Seed = 0,
    quality: Quality = None,
    layer: Annotated[
        Optional[int], typer.Option("--layer", help="Split point; blocks before LAYER run here.", show_default="the codec's")
    ] = None,
    dtype: Dtype = "float32",
    tls: Annotated[bool, typer.Option("--tls", help="The tail speaks TLS.")] = False,
    tls_authority: Annotated[
        Optional[Path], typer.Option("--tls-authority", help="PEM file of who signed its certificate.", show_default=False)
    ] = None,
    token_file: TokenFile = None,
    insecure: Insecure = False,
    patience: Annotated[float, typer.Option("--patience", help="Seconds that a tail which cannot be reached is waited for.", min=0)] = 60,
    openai_port: Annotated[
        Optional[int],
        typer.Option("--openai-port", help="Answer OpenAI's API at this port of 127.0.0.1 in place of a prompt.", min=0, max=65535),
    ] = None,
    json: Json = None,
):
    """Generate text with a tail that `rdcodec serve` runs; says what it costs as it goes."""
    serving = need_serving()
    check_writable(json)
    sampling = serving.Sampling(temperature, top_k, top_p, min_p, repetition_penalty, seed)
    security = serving.ClientSecurity(tls, tls_authority, read_token(token_file), insecure)
    security.channel(connect, []).close()  # refused before the model is loaded
    loaded, layer = shared_codec(codec, layer)
    head = load_quietly(model, lambda name: serving.Head.from_pretrained(name, layer, loaded, quality, dtype))
    connector = serving.Connector(connect, head, security, patience_seconds=patience)
    if openai_port is not None:
        _answer_openai(serving.OpenAIServer(openai_port, head, connector, Path(model).name))
        return
    tokenizer, meter = head.part.tokenizer, serving.LinkMeter()
    ids = prompt_tokens(tokenizer, sys.stdin.read() if prompt is None else prompt, chat)
    texts = serving.generate(head, connector, ids, max_new_tokens=max_new_tokens, sampling=sampling, meter=meter)
    with _losses_said():
        shown = []
        with shown_text(meter) as show:
            for piece in serving.TextPieces(tokenizer).of(token for (token,) in texts):
                shown.append(piece)
                show(piece)
    write_json(json, {"model": model, "prompt": prompt, "text": "".join(shown), **meter.figures()})


def _answer_openai(server):
    """Until SIGTERM or Ctrl-C, which shells have what they start in the background ignore."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    with server, _losses_said():
        say(f"answering at http://127.0.0.1:{server.server_port}/v1")
        with suppress(KeyboardInterrupt):
            server.serve_forever()


@contextmanager
def _losses_said():
    """Say, in a line, that a link was lost and is tried again."""
    handler, log = logging.Handler(), logging.getLogger("rdcodec.serving")
    handler.emit = lambda record: say(f"rdcodec: {record.getMessage()} {getattr(record, 'fields', '')}", stderr=True)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
