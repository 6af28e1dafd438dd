"""Writes the golden files anew. A change of them is a change of the format: read the diff of sizes.csv, raise the version.

PYTHONPATH=tests/codecs python tests/golden/regenerate.py --overwrite
"""

import csv
import sys
from pathlib import Path

import golden_cases as cases
import numpy as np
from block_parts import calibrated_codec
from learned_parts import learned_codec

from rdcodec.codecs import DirectAccessCodec

HERE = Path(__file__).parent


def golden_files():
    """Name to bytes of everything that must decode."""
    files = {name: cases.encode_block(case) for name, case in cases.block_cases().items()}
    files |= {"stream-array": cases.stream_case(False), "stream-batch": cases.stream_case(True)}
    return files | {name: cases.codec_frames(name) for name in cases.CODECS}


def make_codecs():
    """The codecs that the frames are of, from random numbers and not made twice."""
    deviation = np.exp2(np.arange(cases.CHANNELS) % 4 - 1.0)
    makers = {
        "frames-direct-access": lambda: learned_codec(DirectAccessCodec, cases.CHANNELS, deviation),
        "frames-block-transform": lambda: calibrated_codec(deviation, blocks=True),
    }
    for name, folder in cases.CODECS.items():
        if not folder.exists():
            makers[name]().save_pretrained(folder)


def main():
    if sys.argv[1:] != ["--overwrite"]:
        raise SystemExit(__doc__)
    make_codecs()
    files = golden_files()
    for folder, contents in (("must_decode", files), ("must_refuse", {n: c[0] for n, c in cases.refused_cases().items()})):
        (HERE / folder).mkdir(exist_ok=True)
        for name, data in contents.items():
            (HERE / folder / f"{name}.bin").write_bytes(data)
    with open(HERE / "sizes.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "bytes"])
        writer.writerows((name, len(data)) for name, data in files.items())


if __name__ == "__main__":
    main()
