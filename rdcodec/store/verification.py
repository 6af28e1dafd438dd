"""Is a store whole? All bytes are read, in the memory of a group."""

from collections import deque

import numpy as np

from rdcodec.errors import CorruptStreamError, RdcodecError
from rdcodec.messages import printable
from rdcodec.store.container import HEADER_BYTES, document_key, read_records
from rdcodec.store.groups import decode_ids, decode_states, read_text, split_frames

__all__ = ["problems"]


def problems(store, symbols=False):
    """What is wrong with a store, group by group.

    Parameters
    ----------
    store : Store
    symbols : bool
        Decode everything; otherwise lengths and checksums are looked at.

    Yields
    ------
    tokens : int
        That have been looked at.
    found : list of str
        What is wrong with the last group, or around it; mostly nothing.
    """
    token = behind = 0
    for shard in store.shards:
        if not shard.indexed:
            yield token, [f"{shard.path}: the index is missing: the shard was not finished, or is damaged"]
        listed, offset = [], HEADER_BYTES
        for group in range(len(shard.groups)):
            first = shard.first + int(shard.firsts[group])
            found = [f"{shard.path}: tokens {token} to {first - 1} are missing"] if first != token else []
            if int(shard.groups["offset"][group]) != offset:
                found.append(f"{shard.path}: bytes {offset} to {int(shard.groups['offset'][group]) - 1} belong to no group")
            token = first + int(shard.groups["tokens"][group])
            try:
                records = _checked(store, shard, group, symbols, behind)
                behind = shard.first + int(records["end"][-1]) if len(records) else behind
                listed.append(records)
            except RdcodecError as error:
                found.append(str(error))
            offset = shard.behind(group)
            yield token, found
        if offset != shard.end:
            yield token, [f"{shard.path}: bytes {offset} to {shard.end - 1} belong to no group"]
        if shard.indexed and len(listed) == len(shard.groups) and not np.array_equal(np.concatenate(listed), shard.documents):
            yield token, [f"{shard.path}: the index has other documents than the groups"]


def _checked(store, shard, group, symbols, behind):
    """The documents of a group that is right; those before it end at token `behind`."""
    *parts, last = shard.read(group, range(shard.parts))
    tokens = int(shard.groups["tokens"][group])
    try:
        for place, part in zip(store.description.places, parts):
            if symbols:
                decode_states(place, part, tokens)
            else:
                deque(split_frames(place, part, tokens), maxlen=0)
        if store.description.token_ids:
            decode_ids(parts[-1], tokens)
        records = read_records(last)
        _check_documents(records, last, shard, group, behind - shard.first)
    except RdcodecError as error:
        raise CorruptStreamError(f"{shard.describe(group)}: {error}") from error
    return records


def _check_documents(records, part, shard, group, behind):
    first = int(shard.firsts[group])
    for record in records:
        end, tokens, key, at, size = (int(value) for value in record)
        name, _ = read_text(part[at : at + size])
        if key != document_key(name):
            raise CorruptStreamError(f"document {printable(name)}: another key than its id's")
        if not (first < end <= first + int(shard.groups["tokens"][group]) and 0 < tokens <= end - behind):
            raise CorruptStreamError(f"document {printable(name)}: {tokens} tokens up to {end} of the shard, where {behind} are taken")
        behind = end
