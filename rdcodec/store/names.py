"""The names of the files in a store's folder."""

import re

__all__ = ["CODECS", "DESCRIPTION_FILE", "EXEMPLARS", "LOCK_FILE", "finished_name", "numbers", "unfinished_name"]

DESCRIPTION_FILE = "store.json"
CODECS = "codecs"
EXEMPLARS = "exemplars"
LOCK_FILE = "lock"


def finished_name(number):
    return f"{number:08d}.shard"


def unfinished_name(number):
    return f"{number:08d}.part"


def numbers(folder):
    """The numbers of the shards in a folder, sorted: finished ones and those that are being written."""
    found = (re.fullmatch(r"(\d{8})\.(shard|part)", path.name) for path in folder.iterdir())
    return sorted({int(match[1]) for match in found if match})
