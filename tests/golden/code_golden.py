"""Prints checksums of the golden frames of a learned codec as coded here, and of the values they decode to."""

import binascii

import golden_cases as cases
import numpy as np

from rdcodec import Codec
from rdcodec.stream import read_frame


def main():
    data, at, parts = cases.learned_frames(), 0, []
    decoder = Codec.from_pretrained(cases.CODEC).decoder()
    while at < len(data):
        end = read_frame(data, at).end
        parts.append(decoder.decode(data[at:end]))
        at = end
    values = np.concatenate(parts).astype("<f4").tobytes()
    print(f"{binascii.crc32(data):08x} {binascii.crc32(values):08x}")


if __name__ == "__main__":
    main()
