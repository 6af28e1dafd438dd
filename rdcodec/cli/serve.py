"""rdcodec serve: the tail of a model as a server."""

import logging
from pathlib import Path
from typing import Annotated, Optional

import typer

from rdcodec.cli.links import Dtype, Insecure, TokenFile, need_serving, read_token, shared_codec
from rdcodec.cli.loading import load_quietly
from rdcodec.cli.options import CodecDir, Model
from rdcodec.cli.output import say

__all__ = ["serve"]


def serve(
    model: Model,
    codec: CodecDir,
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT; port 0 is any that is free.")] = "127.0.0.1:7420",
    layer: Annotated[
        Optional[int], typer.Option("--layer", help="Split point; blocks from LAYER on run here.", show_default="the codec's")
    ] = None,
    dtype: Dtype = "float32",
    tls_certificate: Annotated[Optional[Path], typer.Option("--tls-certificate", help="PEM file, for TLS.", show_default=False)] = None,
    tls_key: Annotated[Optional[Path], typer.Option("--tls-key", help="PEM file of its key.", show_default=False)] = None,
    token_file: TokenFile = None,
    insecure: Insecure = False,
    metrics: Annotated[
        Optional[str], typer.Option("--metrics", help="HOST:PORT of OpenMetrics text, over plain HTTP.", show_default=False)
    ] = None,
    cache_memory: Annotated[int, typer.Option("--cache-memory", help="MiB for the caches of all sessions.", min=1)] = 1024,
    sessions: Annotated[int, typer.Option("--sessions", help="Sessions at once.", min=1)] = 64,
    idle: Annotated[float, typer.Option("--idle", help="Seconds until a session of which nothing is heard is given up.", min=0.1)] = 300,
    max_message: Annotated[int, typer.Option("--max-message", help="MiB of a message at most.", min=1, max=1024)] = 16,
    batch: Annotated[
        int,
        typer.Option("--batch", help="One-token steps of so many sessions in one forward pass: faster, last bits may differ.", min=1),
    ] = 1,
    grace: Annotated[float, typer.Option("--grace", help="Seconds that texts in progress get at SIGTERM.", min=0)] = 10,
):
    """Run the tail of a model for heads elsewhere; stops at SIGTERM or Ctrl-C. The log, a JSON object a line, goes to stderr."""
    serving = need_serving()
    security = serving.ServerSecurity(tls_certificate, tls_key, read_token(token_file), insecure)
    limits = serving.ServerLimits(cache_memory * 2**20, sessions, idle, max_message * 2**20, batch, grace)
    security.credentials(serving.parse_address(listen)[0])  # refused before the model is loaded
    loaded, layer = shared_codec(codec, layer)
    tail = load_quietly(model, lambda name: serving.Tail.from_pretrained(name, layer, loaded, dtype))
    _log_to_stderr(serving.JsonLines())
    serving.serve(tail, listen, metrics, security, limits, lambda server: say(f"listening on port {server.port}"))


def _log_to_stderr(formatter):
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    log = logging.getLogger("rdcodec.serving")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
