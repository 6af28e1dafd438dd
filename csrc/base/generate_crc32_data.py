"""Writes crc32_data.h, the tables of rdc_crc32, next to this file."""

from pathlib import Path
from textwrap import fill

POLYNOMIAL = 0xEDB88320  # that of zlib, lowest bit first


def byte_step(crc):
    for _ in range(8):
        crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc


def tables():
    """tables[k][b]: what byte b does to the checksum k bytes later."""
    rows = [[byte_step(b) for b in range(256)]]
    while len(rows) < 8:
        rows.append([crc >> 8 ^ rows[0][crc & 255] for crc in rows[-1]])
    return rows


def header():
    rows = (fill(", ".join(f"0x{crc:08x}" for crc in row), 118, initial_indent="     ", subsequent_indent="     ") for row in tables())
    body = ",\n".join(f"    {{\n{row},\n    }}" for row in rows)
    return (
        "/* What a byte does to a CRC-32, 0 to 7 bytes later. Made by generate_crc32_data.py; never edited by hand. */\n"
        "#ifndef RDC_BASE_CRC32_DATA_H\n#define RDC_BASE_CRC32_DATA_H\n\n#include <stdint.h>\n\n"
        f"static const uint32_t crc32_tables[8][256] = {{\n{body},\n}};\n\n#endif\n"
    )


if __name__ == "__main__":
    Path(__file__).with_name("crc32_data.h").write_text(header())
