"""A store as a data set of Hugging Face: streamed, a row for some consecutive tokens, with the columns that trainers of sparse autoencoders read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from typing import Any

    from rdcodec.store.store import Store

__all__ = ["as_dataset"]

PARTS = 64  # that workers share


def as_dataset(store: Store, tokens: int, columns: dict[str, str] | None = None) -> Any:
    """Rows of a store, decoded as they are asked for.

    Parameters
    ----------
    store : Store
    tokens : int
        Of a row; what is left at the end of the store, less than that, is left out.
    columns : dict of str to str, optional
        Names of columns by places, ``{"layer10": "blocks.10.hook_resid_pre"}`` as SAELens calls that layer; the places' own where not given.

    Returns
    -------
    datasets.IterableDataset
        A column [tokens, channels] of each place, float32, and `token_ids` where the store keeps them.

    Raises
    ------
    ImportError
        `datasets` is not installed.
    RdcodecError
        `tokens` is out of range, or a column is of no place.
    """
    try:
        import datasets
    except ImportError as error:
        raise ImportError("a data set of Hugging Face needs datasets: pip install 'rdcodec[train]'") from error
    integer("tokens", tokens, 1, max(1, len(store)))
    columns = {place: place for place in store.places} if columns is None else columns
    if not columns.keys() <= store.places.keys():
        raise RdcodecError(f"columns: expected names for {', '.join(store.places)}, got {', '.join(columns)}")
    features = {column: datasets.Array2D((tokens, store.places[place].codec.channels), "float32") for place, column in columns.items()}
    if store.description.token_ids:
        features["token_ids"] = datasets.Sequence(datasets.Value("int64"), length=tokens)
    rows = len(store) // tokens
    edges = np.linspace(0, rows, min(PARTS, max(1, rows)) + 1).astype(int)
    parts = [(int(first), int(stop)) for first, stop in zip(edges[:-1], edges[1:])]
    given = {"store": store, "tokens": tokens, "columns": columns, "parts": parts}
    return datasets.IterableDataset.from_generator(_rows, datasets.Features(features), gen_kwargs=given)


def _rows(store, tokens, columns, parts):
    for first, stop in parts:
        for row in range(first, stop):
            span = row * tokens, (row + 1) * tokens
            made = {column: store[place].read(*span, dtype="float32") for place, column in columns.items()}
            if store.description.token_ids:
                made["token_ids"] = store.token_ids(*span)
            yield made
