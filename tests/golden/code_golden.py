"""Prints checksums of the golden frames of a codec, by their file's name, as coded here, and of the values they decode to."""

import binascii
import sys

import golden_cases as cases
import numpy as np

from rdcodec import Codec


def main():
    name = sys.argv[1]
    data, decoder = cases.codec_frames(name), Codec.from_pretrained(cases.CODECS[name]).decoder()
    values = np.concatenate([decoder.decode(frame) for frame, _ in cases.frames_of(data)]).astype("<f4").tobytes()
    print(f"{binascii.crc32(data):08x} {binascii.crc32(values):08x}")


if __name__ == "__main__":
    main()
