"""Prints checksums of the golden frames of a learned codec as coded here, and of the values they decode to."""

import binascii

import golden_cases as cases
import numpy as np

from rdcodec import Codec


def main():
    data, decoder = cases.learned_frames(), Codec.from_pretrained(cases.CODEC).decoder()
    values = np.concatenate([decoder.decode(frame) for frame, _ in cases.frames_of(data)]).astype("<f4").tobytes()
    print(f"{binascii.crc32(data):08x} {binascii.crc32(values):08x}")


if __name__ == "__main__":
    main()
