"""pack, unpack, repack, and inspect and verify of stores: real files in, real files out."""

import json
import subprocess
import sys

import numpy as np
import pytest

from rdcodec.cli.app import run
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.store import Store

CHANNELS = 24


def rdcodec(*arguments):
    return run([str(argument) for argument in arguments])


def assert_one_line(capsys):
    """The one line of stderr, but for what is wrong with a store."""
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("rdcodec: ")
    return line


@pytest.fixture
def h():
    return np.random.default_rng(0).normal(size=(900, CHANNELS)).astype(np.float16)


@pytest.fixture
def folder(tmp_path, h, monkeypatch):
    """Arrays in several files and a codec that keeps float16 as it is; the working folder."""
    from safetensors.numpy import save_file

    (tmp_path / "arrays" / "more").mkdir(parents=True)
    np.save(tmp_path / "arrays" / "a.npy", h[:300])
    save_file({"layer10": h[500:600], "layer2": h[300:500]}, tmp_path / "arrays" / "b.safetensors")
    np.save(tmp_path / "arrays" / "more" / "batch.npy", h[600:].reshape(3, 100, CHANNELS))
    RawCodec(CHANNELS).save_pretrained(tmp_path / "codec")
    IntegerCodec(CHANNELS, 8).save_pretrained(tmp_path / "int8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


IDS = ["a.npy", "b.safetensors/layer2", "b.safetensors/layer10", "more/batch.npy/0", "more/batch.npy/1", "more/batch.npy/2"]
PACK = ("pack", "arrays", "--codec", "codec", "--out", "store", "--group-tokens", 64)


def test_pack_and_unpack(folder, h, capsys):
    assert rdcodec(*PACK, "--workers", 2, "--json", "r.json") == 0
    out = capsys.readouterr().out
    assert "store: 900 tokens, 6 documents" in out and "bits an element" in out
    result = json.loads((folder / "r.json").read_text())
    assert result["tokens"] == result["added"] == 900 and 16 < result["bits_per_element"] < 17
    store = Store.open("store")
    assert np.array_equal(store[:], h) and [document.id for document in store.documents] == IDS
    assert rdcodec("unpack", "store", "--out", "back.npy") == 0
    assert np.array_equal(np.load("back.npy"), h) and np.load("back.npy").dtype == np.float16
    assert rdcodec("unpack", "store", "--out", "back.npy", "--document", IDS[2], "--workers", 2) == 0
    assert np.array_equal(np.load("back.npy"), h[500:600])
    assert rdcodec("unpack", "store", "--out", "back.npy", "--start", 7, "--stop", 70) == 0
    assert np.array_equal(np.load("back.npy"), h[7:70])


def test_pack_goes_on(folder, h, capsys):
    assert rdcodec("pack", "arrays/a.npy", "--codec", "codec", "--out", "store", "--group-tokens", 64) == 0
    capsys.readouterr()
    assert rdcodec(*PACK) == 1
    assert "store exists: give --resume" in assert_one_line(capsys)
    assert rdcodec(*PACK, "--resume") == 0 and rdcodec(*PACK, "--resume") == 0
    store = Store.open("store")
    assert np.array_equal(store[:], h) and [document.id for document in store.documents] == IDS
    assert rdcodec(*PACK[:-1], 32, "--resume") == 1
    assert "another one: expected group_tokens 32, got 64" in assert_one_line(capsys)


def test_pack_in_blocks(folder, h, capsys):
    blocks = ("--block-tokens", 250, "--json", "r.json")
    assert rdcodec(*PACK, *blocks) == 0
    store = Store.open("store")
    assert np.array_equal(store[:], h) and [document.id for document in store.documents] == IDS
    assert [shard.tokens for shard in store.shards] == [300, 300, 300] and json.loads((folder / "r.json").read_text())["added"] == 900
    assert rdcodec(*PACK[:4], "--out", "other", "--on", "slurm") == 1 and "way: expected here, accelerate, ray" in assert_one_line(capsys)


def test_pack_of_bfloat16(folder, capsys):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    h = torch.randn(100, CHANNELS, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    save_file({"h": h}, folder / "b.safetensors")
    RawCodec(CHANNELS, "bfloat16").save_pretrained("codec")
    assert rdcodec("pack", "b.safetensors", "--codec", "codec", "--out", "store") == 0
    assert torch.equal(Store.open("store")[:], h)
    assert rdcodec("unpack", "store", "--out", "back.npy") == 0
    assert np.array_equal(np.load("back.npy"), h.float().numpy())


def test_pack_a_model(folder, model_dir, codec_dir, text_files):
    out = ("--model", model_dir, "--text", text_files[1], "--codec", codec_dir, "--out", "store")
    assert rdcodec("pack", *out, "--window", 64) == 0
    store = Store.open("store")
    (document,) = store.documents
    content = text_files[1].read_text(encoding="utf-8")
    assert document.id == str(text_files[1]) and len(store) == document.stop == len(content.encode()) == len(store.token_ids())
    assert list(store.places) == ["layer1"] and store.only.codec.origin.model_type == "qwen2"


def test_repack(folder, h):
    assert rdcodec(*PACK) == 0
    assert rdcodec("repack", "store", "--out", "small", "--codec", "states=int8", "--group-tokens", 256) == 0
    before, after = Store.open("store"), Store.open("small")
    assert after.bytes < 0.6 * before.bytes and np.abs(after[:] - h).max() < 0.05
    assert list(after.documents) == list(before.documents) and after.description.group_tokens == 256
    assert rdcodec("repack", "store", "--out", "same") == 0
    assert [path.read_bytes() for path in sorted((folder / "same").glob("*.shard"))] == [
        path.read_bytes() for path in sorted((folder / "store").glob("*.shard"))
    ]


def test_join(folder, h, capsys):
    for name in ("a.npy", "more"):
        assert rdcodec("pack", f"arrays/{name}", "--codec", "codec", "--out", name) == 0
    assert rdcodec("join", "a.npy", "more", "--out", "store") == 0
    assert np.array_equal(Store.open("store")[:], np.concatenate([h[:300], h[600:]]))
    capsys.readouterr()
    assert rdcodec("join", "a.npy", "none", "--out", "x") == 1
    assert "none holds no store" in assert_one_line(capsys)


def test_inspect(folder, capsys):
    assert rdcodec(*PACK) == 0
    assert rdcodec("inspect", "store", "--json", "r.json") == 0
    result = json.loads((folder / "r.json").read_text())
    assert (result["tokens"], result["groups"], result["documents"], result["dtype"]) == (900, 15, 6, "float16")
    assert result["places"][0]["family"] == "raw" and result["shards"][0]["groups"] == 15 and result["shards"][0]["index"] is True
    assert "00000000.shard" in capsys.readouterr().out


def test_verify(folder, capsys):
    assert rdcodec(*PACK) == 0
    assert rdcodec("verify", "store") == 0 and rdcodec("verify", "store", "--symbols", "--json", "r.json") == 0
    assert "checksums and symbols of 15 groups, 900 tokens" in capsys.readouterr().out
    shard = folder / "store" / "00000000.shard"
    data = bytearray(shard.read_bytes())
    for at in (5000, 9000, len(data) - 100):
        data[at] ^= 1
    shard.write_bytes(data)
    assert rdcodec("verify", "store", "--json", "r.json") == 1
    assert "is damaged in 3 places" in assert_one_line(capsys)
    assert [
        part in problem for part, problem in zip(("index", "group 1 ", "group 2 "), json.loads((folder / "r.json").read_text())["problems"])
    ] == [True] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pack", "none.npy", "--codec", "codec", "--out", "x"), "none.npy"),
        (("pack", "codec", "--codec", "codec", "--out", "x"), "tensors"),
        (("pack", "arrays", "arrays/a.npy", "--codec", "codec", "--out", "x"), "a.npy: expected an id for each array, 2 have this one"),
        (("pack", "wide.npy", "--codec", "codec", "--out", "x"), "wide.npy: expected 24 channels"),
        (("pack", "arrays", "wide32.npy", "--codec", "codec", "--out", "x"), "one element type, got float16, float32"),
        (("pack", "flat.npy", "--codec", "codec", "--out", "x"), "flat.npy: expected float32, float16"),
        (("pack", "arrays", "--codec", "none", "--out", "x"), "none holds no codec"),
        (("pack", "arrays", "--codec", "codec", "--codec", "int8", "--out", "x"), "two for the place states"),
        (("pack", "arrays", "--codec", "codec", "--codec", "b=int8", "--out", "x"), "expected one for arrays"),
        (("pack", "--codec", "codec", "--out", "x"), "expected arrays, or --model"),
        (("pack", "--codec", "codec", "--model", "m", "--text", "t", "--out", "x"), "belong to a layer"),
        (("pack", "arrays", "--codec", "codec", "--out", "none/x"), "the folder none does not exist"),
        (("unpack", "none", "--out", "x"), "none holds no store"),
        (("unpack", "store", "--out", "x", "--document", "none"), "none of the id 'none'"),
        (("unpack", "store", "--out", "x", "--place", "none"), "has states, got none"),
        (("unpack", "store", "--out", "x", "--stop", 901), "within 900"),
        (("repack", "store", "--out", "x", "--codec", "none=codec"), "NAME=DIR for states, got none"),
        (("repack", "store", "--out", "x", "--group-tokens", 5000), "group_tokens"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(folder, capsys, arguments, message):
    np.save("wide.npy", np.zeros((3, 25), np.float16))
    np.save("wide32.npy", np.zeros((3, 24), np.float32))
    np.save("flat.npy", np.zeros(24, np.float16))
    assert rdcodec(*PACK) == 0
    capsys.readouterr()
    assert rdcodec(*arguments) == 1
    assert message in assert_one_line(capsys)
    assert not (folder / "x").exists()


MEMORY = """
import resource, sys
from rdcodec.cli.app import run
import rdcodec.store.verification, safetensors.numpy
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for line in sys.argv[1:]:
    assert run(line.split()) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_store(folder):
    """200 MB of states through all commands."""
    states = np.lib.format.open_memmap("large.npy", "w+", np.float16, (200_000, 512))
    states[:] = np.arange(512, dtype=np.float16)
    states.flush()
    RawCodec(512).save_pretrained("codec")
    lines = (
        "pack large.npy --codec codec --out large",
        "verify large --symbols",
        "repack large --out again --group-tokens 1024",
        "unpack again --out back.npy",
        "encode large.npy --codec codec --out large.rdc",
    )
    done = subprocess.run([sys.executable, "-c", MEMORY, *lines], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 1024 * int(done.stdout.splitlines()[-1]) < 130e6, done.stdout
    assert np.array_equal(np.load("back.npy", mmap_mode="r")[-1], np.arange(512))


def test_exemplars(folder, h):
    """From all over the arrays; what goes on keeps those that it began with."""
    given = ("--codec", "codec", "--out", "store", "--exemplars", 50)
    assert rdcodec("pack", "arrays/a.npy", *given) == 0
    (before,) = Store.open("store").description.places
    assert len(before.exemplars.states) == 50 and set(map(tuple, before.exemplars.states)) <= set(map(tuple, h[:300].astype(np.float32)))
    assert rdcodec("pack", "arrays", *given, "--resume") == 0
    (after,) = Store.open("store").description.places
    assert after.exemplars.digest == before.exemplars.digest and np.array_equal(Store.open("store")[:], h)
    assert rdcodec("repack", "store", "--out", "other", "--exemplars", 300) == 0
    assert len(Store.open("other").description.places[0].exemplars.states) == 300 and np.array_equal(Store.open("other")[:], h)
