"""Whether stores survive: writers that are killed at random moments, and shards with random damage.

    python benchmarks/bench_store_safety.py [--kills 200] [--mutations 1000000] [--seed 0] [--folder FOLDER]

Each kill ends a process within a tenth of a second from its first word on, and what it leaves is held against what it added. Half of the mutations are damage, which the
checksums must find; the other half change fields and have all checksums mended, and are accepted or refused as the reference does, an independent reader. Any
difference, and any error but RdcodecError and IndexError, ends the program. A folder in memory is quickest for mutations. Prints Markdown, and
how far it has come on stderr.
"""

import argparse
import binascii
import sys
import tempfile
import zlib
from pathlib import Path

from stores.damage import CHANNELS, damage, damage_and_mend, kill_writers

from rdcodec import reference, reference_store
from rdcodec.codecs import RawCodec

SHOWN_EVERY = 10_000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--mutations", type=int, default=10**6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    codec = RawCodec(CHANNELS)
    take_checksums_from_libraries()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        folder = Path(folder)
        tokens = [0, *kill_writers(folder / "killed", codec, options.kills, options.seed)][-1]
        print(f"{options.kills} writers killed: {tokens:,} tokens are there, in whole groups.", flush=True)
        rounds = options.mutations // 2
        both = zip(damage(folder / "a", codec, rounds, options.seed), damage_and_mend(folder / "b", codec, rounds, options.seed))
        accepted = 0
        for count, (_, is_accepted) in enumerate(both, 1):
            accepted += is_accepted
            if 2 * count % SHOWN_EVERY == 0:
                print(f"{2 * count:,} mutations, {accepted:,} of the mended ones accepted", file=sys.stderr, flush=True)
        print(
            f"{2 * rounds:,} mutations, half of them with checksums mended: {accepted:,} of these accepted, as the reference accepts them."
        )


def take_checksums_from_libraries():
    """The reference's own, bit by bit in Python, take most of its time."""
    reference.crc16 = lambda data, start=0xFFFF: binascii.crc_hqx(data, start)
    reference.crc32 = reference_store.crc32 = lambda data, start=0xFFFFFFFF: zlib.crc32(data, start ^ 0xFFFFFFFF)


if __name__ == "__main__":
    main()
