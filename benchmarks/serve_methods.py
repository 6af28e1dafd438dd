"""The tail of a model, served once for each of several methods, at a port each: the other end of bench_serving.py."""

import argparse
import sys
from contextlib import ExitStack

from serving.methods import codec_of

from rdcodec.serving import ServerLimits, ServerSecurity, Tail, load_tail, running_server


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--layer", type=int, required=True)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--host", required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("methods", nargs="+")
    arguments = parser.parse_args()
    part = load_tail(arguments.model, arguments.layer, arguments.dtype)
    security, limits = ServerSecurity(insecure=True), ServerLimits(batch=arguments.batch, grace_seconds=0)
    with ExitStack() as stack:
        for method in arguments.methods:
            tail = Tail(part, codec_of(method, part.site.channels))
            server = stack.enter_context(running_server(tail, f"{arguments.host}:0", security=security, limits=limits))
            print("listening on port", server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
