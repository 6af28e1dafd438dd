"""Stores of hidden states beside other formats: size, reads in order and at random, memory, and how long one of a million groups takes to open.

    python benchmarks/bench_store.py --model smollm2-135m --codec pretrained/smollm2-135m/layer10/context --quality=-3 --text TEST.txt
        [--tokens 49152] [--group-tokens 512] [--large GIB] [--many GROUPS] [--no-peers] [--folder FOLDER] [--json ROWS.json]

States are those of the codec's layer, float16, in windows of 512 tokens. Each way writes them, reads all in chunks of 512 and at random 128 tokens at
a time, in turn with the others, one thread; the better of two rounds counts. Of each peer the smallest of its lossless settings is shown, and 8-bit
integers in that setting. --large makes a store of so many GiB out of these groups, and measures what a process takes to check and read it.
Prints Markdown.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from stores.peers import GROUP, int8, lossless, size_of

from rdcodec import Codec
from rdcodec.codecs import RawCodec
from rdcodec.store import Store
from rdcodec.store.description import describe, write_description
from rdcodec.store.shard import Shard
from rdcodec.store.unfinished import Unfinished

WINDOW = 512
ROUNDS = 2
GROUPS = (256, WINDOW, 1024, 4096)
READ_TOKENS = 128
READS = 60
EXEMPLARS = 2048
SMALL_CACHE = 2**23  # bytes
SHARDS = 16  # of the store of many groups


def main():
    options = parse_options()
    h, exemplars, codec, loss = states_of(options)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        folder = Path(folder)
        peers = measured_peers(folder, h) if options.peers else []
        stores = measured_stores(folder, h, exemplars, codec, options)
        rows = timed_rows(peers + stores, h)
        facts = {"tokens": len(h), "channels": h.shape[1], "kl": loss, "open": opening(folder, options.many) if options.many else None}
        facts["frames"] = {tokens: frames_alone(h, codec, options.quality, tokens) for tokens in GROUPS}
        if options.large:
            facts["memory"] = large_store(folder, folder / "store-1", options.large)
    if options.json:
        options.json.write_text(json.dumps({"rows": rows, **facts}, indent=1) + "\n", encoding="utf-8")
    print(report(rows, facts))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--codec", type=Path, required=True)
    parser.add_argument("--quality", type=int)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=49_152)
    parser.add_argument("--kl-windows", type=int, default=8, help="that the loss is measured on; 0 for none")
    parser.add_argument("--group-tokens", type=int, default=GROUP)
    parser.add_argument("--large", type=float, default=0)
    parser.add_argument("--many", type=int, default=10**6, help="groups of the store that is opened; 0 for none")
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


# ---- states


def states_of(options):
    """float16 states of the codec's layer, exemplars from the rest of the text, the codec, and its loss in nats a token."""
    from rdcodec import load_model
    from rdcodec.evaluation import Setting, cut_text, evaluate
    from rdcodec.splits import head_states

    codec = Codec.from_pretrained(options.codec)
    model, tokenizer = load_model(options.model)
    rows, others = cut_text(tokenizer, options.text.read_text(encoding="utf-8-sig"), WINDOW, options.tokens // WINDOW)
    h, elsewhere = (
        np.concatenate([head_states(model, codec.layer, row[None])[0].numpy().astype(np.float16) for row in each])
        for each in (rows, others[:: len(others) // 8][:8])
    )
    exemplars = elsewhere.reshape(8, WINDOW, -1)[:, : EXEMPLARS // 8].reshape(EXEMPLARS, -1)
    loss = None
    if options.kl_windows:
        (row,) = evaluate(model, rows[: options.kl_windows], [Setting("store", codec, options.quality)])
        loss = row.kl
    return h, exemplars, codec, loss


def frames_alone(h, codec, quality, tokens=WINDOW):
    """Bytes of the frames that so many tokens take, each coded on its own."""
    return sum(len(codec.encoder(quality).encode(h[start : start + tokens])) for start in range(0, len(h), tokens))


# ---- ways to keep them


def measured_peers(folder, h):
    ways = []
    for family, settings in lossless().items():
        tried = []
        for number, peer in enumerate(settings):
            path = folder / f"{len(ways)}-{number}"
            seconds = timed(lambda peer=peer, path=path: peer.write(path, h))
            tried.append((size_of(path), peer, path, seconds))
        size, peer, path, seconds = min(tried, key=lambda trial: trial[0])
        assert np.array_equal(peer.open(path)(5, 700), h[5:700])
        ways.append({"name": peer.name, "bytes": size, "write": seconds, "read": peer.open(path)})
        small, path = int8(peer), folder / f"{family}-int8"
        seconds = timed(lambda small=small, path=path: small.write(path, h))
        ways.append({"name": small.name, "bytes": size_of(path), "write": seconds, "read": small.open(path)})
    return ways


def measured_stores(folder, h, exemplars, codec, options):
    ways = []
    kinds = {"store-1": ("1 worker", 1, None), "store-2": ("2 workers", 2, None), "exemplars": (f"{EXEMPLARS:,} exemplars", 1, exemplars)}
    for name, (what, workers, shown) in kinds.items():
        path = folder / name

        def write(path=path, workers=workers, shown=shown):
            given = {"quality": options.quality, "group_tokens": options.group_tokens, "exemplars": shown}
            with Store.create(path, codec, workers=workers, **given) as writer:
                writer.add(h)

        seconds = timed(write)
        store = Store.open(path, cache_bytes=0, workers=workers)
        ways.append({"name": f"rdcodec, {what}", "bytes": store.bytes, "write": seconds, "read": store.read, "chunk": 4 * workers * GROUP})
    for name, cache in {"the cache as it is by default": {}, "a cache of 8 MiB": {"cache_bytes": SMALL_CACHE}}.items():
        store = Store.open(folder / "store-1", **cache)
        ways.append({"name": f"rdcodec, {name}", "bytes": store.bytes, "write": None, "read": store.read})
    return ways


def timed_rows(ways, h):
    starts = np.random.default_rng(3).integers(0, len(h) - READ_TOKENS, READS)
    for way in ways:
        way["sequential"] = way["random"] = 0.0
    for _ in range(ROUNDS):
        for way in ways:
            step = way.get("chunk", GROUP)
            way["sequential"] = max(
                way["sequential"], len(h) / timed(lambda: [way["read"](at, min(at + step, len(h))) for at in range(0, len(h), step)])
            )
            way["random"] = max(way["random"], READS / timed(lambda: [way["read"](int(at), int(at) + READ_TOKENS) for at in starts]))
    return [{name: way[name] for name in ("name", "bytes", "write", "sequential", "random")} for way in ways]


def timed(work):
    start = perf_counter()
    work()
    return perf_counter() - start


# ---- many groups, many bytes


def opening(folder, many):
    """Seconds to open a store of so many groups of one token, best of several, and bytes of index a group."""
    path, description = folder / "many", describe(RawCodec(1), group_tokens=1)
    path.mkdir()
    write_description(description, path)
    for number in range(SHARDS):
        shard = Unfinished(path, description, number, number * many // SHARDS)
        part = description.places[0].codec.encoder().encode(np.zeros((1, 1), np.float32))
        for _ in range(many // SHARDS):
            shard.add(1, [part], [])
        groups = shard.size
        shard.finish()
    index = (path / "00000000.shard").stat().st_size - groups
    seconds = min(timed(lambda: Store.open(path)) for _ in range(5))
    shutil.rmtree(path)
    return {"seconds": seconds, "groups": many, "index": index * SHARDS / many}


def large_store(folder, source, gib):
    """Peak memory of processes that check, read and add to a store of so many GiB."""
    path = folder / "large"
    shutil.copytree(source, path)
    description = Store.open(path).description
    shard = Shard(path, 0, description.parts, description.store_id)
    groups = [(int(shard.groups["tokens"][group]), shard.read(group, range(shard.parts - 1))) for group in range(len(shard.groups))]
    number, first = 1, shard.first + shard.tokens
    while sum(file.stat().st_size for file in path.glob("*.shard")) < gib * 2**30:
        unfinished = Unfinished(path, description, number, first)
        while unfinished.size < 2**28:
            for tokens, parts in groups:
                unfinished.add(tokens, parts, [])
        first += unfinished.tokens
        number += 1
        unfinished.finish()
    peaks = {name: peak_memory(program, path) for name, program in PROGRAMS.items()}
    shutil.rmtree(path)
    return {"gib": gib, "tokens": first, **peaks}


PROGRAMS = {
    "verify": "list(problems(store))",
    "read": "[store.read(int(at), int(at) + 128) for at in np.random.default_rng(0).integers(0, len(store) - 128, 300)]",
    "chunks": "[None for _ in store.chunks(4096, 0, 100_000)]",
    "shuffled": "from itertools import islice; from rdcodec.store import Shuffled; [None for _ in islice(Shuffled(store, 4096), 20)]",
    "append": "writer = Store.append(sys.argv[1]); writer.add(store.read(0, 8192)); writer.close()",
}


def peak_memory(program, path):
    """Bytes at most of a process: all of it, Python and libraries as well. `ru_maxrss` would count what its parent had."""
    lines = (
        "import re, sys; import numpy as np; from rdcodec.store import Store; from rdcodec.store.verification import problems;"
        f"store = Store.open(sys.argv[1]); {program}; print(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])"
    )
    done = subprocess.run([sys.executable, "-c", lines, str(path)], capture_output=True, text=True, check=True, env=os.environ)
    return 1024 * int(done.stdout)


# ---- report


def report(rows, facts):
    raw = 2 * facts["tokens"] * facts["channels"]
    lines = [
        f"{facts['tokens']:,} tokens of {facts['channels']} channels"
        + (f", KL {facts['kl']:.4f} nats a token" if facts["kl"] else "")
        + ".\n"
    ]
    lines += ["| way | bytes | bits an element | of float16 | write, tokens/s | read in order, tokens/s | reads of 128 tokens a second |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for row in rows:
        bits = 8 * row["bytes"] / (raw / 2)
        write = f"{facts['tokens'] / row['write']:,.0f}" if row["write"] else ""
        lines.append(
            f"| {row['name']} | {row['bytes']:,} | {bits:.2f} | 1/{raw / row['bytes']:.1f} | {write} | {row['sequential']:,.0f} | {row['random']:,.0f} |"
        )
    store = next(row for row in rows if row["name"].startswith("rdcodec"))
    frames = facts["frames"]
    lines.append(
        f"\nOver frames alone, {frames[WINDOW]:,} bytes: +{store['bytes'] / frames[WINDOW] - 1:.2%}, index and heads of groups included."
    )
    sizes = ", ".join(f"{tokens:,}: {size / frames[WINDOW] - 1:+.1%}" for tokens, size in frames.items() if tokens != WINDOW)
    lines.append(f"Frames of other sizes against those of {WINDOW} tokens: {sizes}.")
    if facts["open"]:
        opened = "A store of {groups:,} groups opens in {seconds:.3f} s; its index takes {index:.1f} bytes a group."
        lines.append("\n" + opened.format(**facts["open"]))
    if "memory" in facts:
        memory = facts["memory"]
        peaks = ", ".join(f"{name} {memory[name] / 2**20:.0f} MiB" for name in PROGRAMS)
        lines.append(f"\nPeak memory of a process on a store of {memory['gib']:g} GiB ({memory['tokens']:,} tokens): {peaks}.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
