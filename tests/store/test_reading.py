"""What is read is what was added, in every way of reading."""

import pickle
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from rdcodec import RdcodecError
from rdcodec.codecs import GlobalStepCodec, IntegerCodec, RawCodec
from rdcodec.codecs.link import Decoder
from rdcodec.store import Store
from rdcodec.store.documents import Taken


@pytest.fixture
def store(filled):
    return Store.open(filled[0])


def test_all_of_it(store, filled):
    h = filled[1]
    assert len(store) == 700 and store.shape == h.shape and store.places["states"].dtype == np.float16
    assert np.array_equal(np.asarray(store), h) and np.asarray(store).dtype == np.float16
    assert np.asarray(store, np.float64).dtype == np.float64
    assert np.array_equal(np.concatenate(list(store.chunks(99))), h)
    assert np.array_equal(np.stack(list(store)), h)


@pytest.mark.parametrize(
    "key",
    [
        *(0, -1, 699, np.int64(64), slice(None), slice(60, 70), slice(-5, None), slice(50, 40), slice(0, 700, 97), slice(None, None, -50)),
        *([3, 9, 7], [], [-1, 0, 0, 699], np.array([650, 2]), (slice(10, 20), 5), (3, slice(2, 4)), ([1, 200], slice(None, 3)), Ellipsis),
        (Ellipsis, 0),
    ],
    ids=str,
)
def test_indices(store, filled, key):
    expected = filled[1][key]
    assert np.array_equal(store[key], expected) and store[key].shape == expected.shape


def test_a_mask(store, filled):
    mask = np.arange(700) % 13 == 5
    assert np.array_equal(store[mask], filled[1][mask])


@pytest.mark.parametrize("key", [700, -701, [0, 700], np.zeros(5, bool)])
def test_beyond_the_end(store, key):
    with pytest.raises(IndexError, match="700"):
        store[key]


@pytest.mark.parametrize("key", [[0.5], [[1, 2]], 1.5])
def test_no_indices(store, key):
    with pytest.raises(RdcodecError, match="expected integers"):
        store[key]


def test_ranges(store):
    for start, stop in ((-1, 5), (5, 4), (0, 701)):
        with pytest.raises(RdcodecError, match="range within 700"):
            store.read(start, stop)
        with pytest.raises(RdcodecError, match="range within 700"):
            store.token_ids(start, stop)


def test_token_ids(store, filled):
    assert np.array_equal(store.token_ids(), filled[2])
    assert np.array_equal(store.token_ids(63, 131), filled[2][63:131])


def test_documents(store):
    assert [(d.id, d.start, d.stop) for d in store.documents] == [("first", 0, 300), ("one token", 300, 301), ("in pieces", 301, 600)]
    assert store.documents["in pieces"].metadata == {"parts": [199, 100]} and store.documents[-1] == store.documents["in pieces"]
    assert len(store.documents) == 3 and "first" in store.documents and "other" not in store.documents
    assert store.documents[1:] == [store.documents[1], store.documents[2]]
    with pytest.raises(KeyError, match="other"):
        store.documents["other"]
    with pytest.raises(IndexError, match="within 3"):
        store.documents[3]


def test_an_id_that_two_documents_have(path, codec, states, monkeypatch):
    """No writer makes such a store."""
    monkeypatch.setattr(Taken, "__contains__", lambda *_: False)
    with Store.create(path, codec) as writer:
        writer.add(states(2), document="x")
        writer.add(states(2), document="x")
    with pytest.raises(RdcodecError, match="2 have the id 'x'"):
        Store.open(path).documents["x"]


@pytest.mark.parametrize("dtype", ["float32", "float16", np.float32, np.dtype("float16")])
def test_element_types(filled, dtype):
    store = Store.open(filled[0], dtype=dtype)
    assert store[5:80].dtype == np.dtype(dtype) and np.array_equal(store[5:80], filled[1][5:80])


def test_tensors(filled):
    torch = pytest.importorskip("torch")
    path, h, _ = filled
    for dtype in (torch.float32, torch.float16, torch.bfloat16, "bfloat16"):
        found = Store.open(path, dtype=dtype)[[5, 600, 7]]
        assert torch.equal(found, torch.from_numpy(h[[5, 600, 7]]).to(found.dtype))
        assert found.dtype == (dtype if isinstance(dtype, torch.dtype) else torch.bfloat16)


def test_into_a_buffer(store, filled):
    torch = pytest.importorskip("torch")
    for out in (np.empty((200, 24), np.float32), np.empty((24, 200), np.float16).T, torch.empty(200, 24, dtype=torch.bfloat16)):
        assert store.read(100, 300, out=out) is out
        assert np.allclose(np.asarray(out.float() if isinstance(out, torch.Tensor) else out), filled[1][100:300], atol=0.02)
    for out in (np.empty((199, 24), np.float32), np.empty((200, 24), np.float64), [1]):
        with pytest.raises(RdcodecError, match="out: expected"):
            store.read(100, 300, out=out)
    with pytest.raises(RdcodecError, match="dtype: expected"):
        store.read(dtype="int8")


def test_values_beyond_the_element_type(path):
    h = np.full((3, 24), 1e30, np.float32)
    with Store.create(
        path, GlobalStepCodec.fit(np.random.default_rng(0).normal(size=(99, 24)).astype(np.float32), 0.5), dtype="float32"
    ) as writer:
        writer.add(np.clip(h, -7e4, 7e4))
    assert (Store.open(path, dtype="float16")[:] == np.finfo(np.float16).max).all()


def test_bfloat16_comes_back_as_tensors(path, codec):
    torch = pytest.importorskip("torch")
    h = torch.randn(100, 24, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    with Store.create(path, RawCodec(24, "bfloat16"), dtype="bfloat16") as writer:
        writer.add(h)
    store = Store.open(path)
    assert torch.equal(store[:], h) and np.asarray(store).dtype == np.float32


def test_several_places(path, states):
    codecs = {"layer1": RawCodec(24), "layer2": IntegerCodec(16, 8)}
    h = {"layer1": states(200), "layer2": states(200, seed=1, channels=16)}
    with Store.create(path, codecs, group_tokens=64) as writer:
        writer.add(h)
    store = Store.open(path)
    assert np.array_equal(store["layer1"][:], h["layer1"]) and np.abs(store["layer2"][:] - h["layer2"]).max() < 0.05
    assert store["layer2"].shape == (200, 16)
    with pytest.raises(RdcodecError, match="several places, name one: layer1, layer2"):
        store[5]
    with pytest.raises(KeyError, match="layer1, layer2"):
        store["layer3"]


def test_few_bytes_of_cache_and_many_workers(filled):
    path, h, _ = filled
    for options in ({"cache_bytes": 0}, {"cache_bytes": 10_000}, {"workers": 3}):
        store = Store.open(path, **options)
        assert np.array_equal(store[:], h) and np.array_equal(store[::-7], h[::-7])


def test_without_a_cache_a_group_is_decoded_as_far_as_a_read_goes(path, codec, states, monkeypatch):
    h, decode, tokens = states(1000), Decoder.decode, []
    with Store.create(path, codec, group_tokens=500) as writer:
        writer.add(h)
    monkeypatch.setattr(Decoder, "decode", lambda self, frame: tokens.append(len(found := decode(self, frame))) or found)
    for cache_bytes, read, expected in (
        (0, slice(10, 128), [128]),
        (0, slice(300, 600), [128, 128, 128, 116, 128]),
        (0, [130, 5, 509], [128, 128, 128]),
        (2**20, slice(10, 128), [128, 128, 128, 116]),
    ):
        tokens.clear()
        assert np.array_equal(Store.open(path, cache_bytes=cache_bytes)[read], h[read]) and tokens == expected


def test_threads_share_a_store(filled):
    path, h, _ = filled
    store, wrong = Store.open(path, cache_bytes=8000), []

    def work(seed):
        random = np.random.default_rng(seed)
        for _ in range(30):
            start = int(random.integers(0, 600))
            if not np.array_equal(store[start : start + 90], h[start : start + 90]):
                wrong.append(start)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def total(store):
    return float(store[:].astype(np.float64).sum())


def test_processes_open_it_again(filled):
    store = Store.open(filled[0], dtype="float32", workers=2)
    copy = pickle.loads(pickle.dumps(store))
    assert copy.dtype == "float32" and np.array_equal(copy[:], store[:])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(total, store).result() == total(store)


def test_no_tokens(path, codec, states):
    with Store.create(path, codec) as writer:
        writer.add(states(0))
    store = Store.open(path)
    assert len(store) == 0 and store[:].shape == (0, 24) and list(store.documents) == [] and not list(store.chunks())


def test_what_is_no_store(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no store"):
        Store.open(tmp_path)
