"""A store as a data set of Hugging Face."""

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.store import Store, as_dataset

pytest.importorskip("datasets")


def test_rows_are_consecutive_tokens(filled):
    path, h, ids = filled
    rows = list(as_dataset(Store.open(path), 32, {"states": "blocks.10.hook_resid_pre"}))
    assert len(rows) == 700 // 32 and set(rows[0]) == {"blocks.10.hook_resid_pre", "token_ids"}
    assert np.array_equal(np.concatenate([row["blocks.10.hook_resid_pre"] for row in rows]), h[: 32 * 21].astype(np.float32))
    assert np.array_equal(np.concatenate([row["token_ids"] for row in rows]), ids[: 32 * 21])


def test_workers_share_it(filled):
    from torch.utils.data import DataLoader

    rows = list(DataLoader(as_dataset(Store.open(filled[0]), 50).with_format("torch"), batch_size=None, num_workers=2))
    assert sorted(int(row["token_ids"][0]) for row in rows) == sorted(int(ids) for ids in filled[2][::50])


def test_wrong_arguments(filled):
    store = Store.open(filled[0])
    with pytest.raises(RdcodecError, match="columns: expected names for states, got other"):
        as_dataset(store, 5, {"other": "x"})
    for tokens in (0, 701):
        with pytest.raises(RdcodecError, match="tokens"):
            as_dataset(store, tokens)
