"""Random reads of 128 tokens from stores whose groups have other sizes, with exemplars and without, beside zarr with zstd at the same chunks.

    python benchmarks/bench_store_reads.py --model smollm2-135m --codec pretrained/smollm2-135m/layer10/context --quality=-3 --text TEXT.txt
        [--tokens 12288] [--groups 64 128 256 512] [--reads 60] [--folder FOLDER]

Files are in the system's cache. *Decoded* reads are of a store without a cache of its own: each decodes groups up to what it wants, as zarr decompresses the
chunks that it touches. *Kept* ones find all: a store of what fits into `cache_bytes`, after a first pass. Times are of one thread's processor time, the
best of three rounds. Prints Markdown.
"""

import argparse
import tempfile
from pathlib import Path
from time import process_time

import numpy as np
from bench_store import READ_TOKENS, states_of
from stores.peers import size_of, zarr_peer, zarr_zstd

from rdcodec.store import Store

ROUNDS = 3
LEVEL = 9  # of zstd


def main():
    options = parse_options()
    h, exemplars, codec, _ = states_of(options)
    starts = [int(at) for at in np.random.default_rng(3).integers(0, len(h) - READ_TOKENS, options.reads)]
    print(f"{len(h):,} tokens of {h.shape[1]} channels, reads of {READ_TOKENS} tokens a second of a core.\n")
    print(
        "| tokens of a group | bits an element | decoded | kept | with exemplars: bits | decoded | zarr, zstd, such chunks: bits | decoded |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for tokens in options.groups:
            plain, primed = (
                made_store(Path(folder) / f"{name}-{tokens}", h, codec, tokens, options, shown)
                for name, shown in (("plain", None), ("primed", exemplars))
            )
            peer, path = zarr_peer("zarr", zarr_zstd(LEVEL), tokens), Path(folder) / f"zarr-{tokens}"
            peer.write(path, h)
            kept = Store.open(plain, cache_bytes=2**40)
            kept.read()
            cells = [f"{tokens}", bits(plain, h), rate(Store.open(plain, cache_bytes=0).read, starts), rate(kept.read, starts)]
            cells += [bits(primed, h), rate(Store.open(primed, cache_bytes=0).read, starts), bits(path, h), rate(peer.open(path), starts)]
            print("|", " | ".join(cells), "|", flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--codec", type=Path, required=True)
    parser.add_argument("--quality", type=int)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=12_288)
    parser.add_argument("--groups", type=int, nargs="+", default=[64, 128, 256, 512])
    parser.add_argument("--reads", type=int, default=60)
    parser.add_argument("--folder", type=Path)
    parser.set_defaults(kl_windows=0)
    return parser.parse_args()


def made_store(path, h, codec, tokens, options, exemplars):
    with Store.create(path, codec, quality=options.quality, group_tokens=tokens, exemplars=exemplars) as writer:
        writer.add(h)
    return path


def bits(path, h):
    """An element, of what grows with the tokens: the codec's checkpoint and exemplars, which are there once, are left out."""
    files = path.glob("*.shard") if list(path.glob("*.shard")) else [path]
    return f"{8 * sum(map(size_of, files)) / h.size:.2f}"


def rate(read, starts):
    best = 0.0
    for _ in range(ROUNDS):
        begun = process_time()
        for at in starts:
            read(at, at + READ_TOKENS)
        best = max(best, len(starts) / (process_time() - begun))
    return f"{best:,.0f}"


if __name__ == "__main__":
    main()
