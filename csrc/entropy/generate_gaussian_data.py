"""Writes gaussian_data.h, the built-in Gaussian tables, next to this file. Needs the package as built from this tree.

Run it only to define a new built-in set: streams that were coded with the old one cannot be decoded with another.
"""

from pathlib import Path
from textwrap import fill

import numpy as np

from rdcodec.entropy import FrequencyTables

PRECISION = 14
TABLES = 64
SMALLEST, LARGEST = 0.11, 256.0


def array(name, ctype, values):
    body = fill(", ".join(map(str, values)), width=120, initial_indent="    ", subsequent_indent="    ")
    return f"static const {ctype} {name}[] = {{\n{body},\n}};\n"


def header():
    scales = np.geomspace(SMALLEST, LARGEST, TABLES)
    arrays = FrequencyTables.gaussian(scales, PRECISION).to_arrays()
    return (
        f"/* Zero-mean Gaussians of {TABLES} log-spaced standard deviations from {SMALLEST} to {LARGEST:g}, rounded to frequencies.\n"
        " * Made by generate_gaussian_data.py; never edited by hand. */\n"
        "#ifndef RDC_ENTROPY_GAUSSIAN_DATA_H\n#define RDC_ENTROPY_GAUSSIAN_DATA_H\n\n#include <stdint.h>\n\n"
        f"#define GAUSSIAN_PRECISION {PRECISION}\n#define GAUSSIAN_TABLES {TABLES}\n\n"
        + array("gaussian_counts", "uint32_t", arrays["counts"])
        + "\n"
        + array("gaussian_offsets", "int32_t", arrays["offsets"])
        + "\n"
        + array("gaussian_frequencies", "uint16_t", arrays["frequencies"])
        + "\n#endif\n"
    )


if __name__ == "__main__":
    Path(__file__).with_name("gaussian_data.h").write_text(header())
