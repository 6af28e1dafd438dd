"""Files that are damaged or none: one line that names them, exit status 1, and what was there stays."""

import shutil
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rdcodec.cli.app import run
from rdcodec.codecs import GlobalStepCodec, IntegerCodec

CHANNELS = 6


def rdcodec(*arguments):
    return run([str(argument) for argument in arguments])


def line_of(capsys):
    """The last line of stderr, before which progress bars and libraries may have written."""
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("rdcodec: ") and len(line) < 1500 and line.isprintable()
    return line


@pytest.fixture
def folder(tmp_path):
    """h.npy, the folder of a codec for it, and a stream of it."""
    np.save(tmp_path / "h.npy", np.random.default_rng(0).normal(size=(9, CHANNELS)).astype(np.float32))
    IntegerCodec(CHANNELS, 8).save_pretrained(tmp_path / "codec")
    assert rdcodec("encode", tmp_path / "h.npy", "--codec", tmp_path / "codec", "--out", tmp_path / "h.rdc") == 0
    return tmp_path


def header(text, version=(1, 0)):
    """A .npy file whose header is this text, without elements."""
    text = text.encode("latin1") + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", len(text)) + text


ARRAYS = {
    "empty": b"",
    "magic": b"\x93NUMPY",
    "version": header("{}", (3, 0)),
    "zip": b"PK\x03\x04" + b"\0" * 40,
    "pickle": b"\x80\x04\x95",
    "10^12 rows": header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 6), }"),
    "10^30 rows": header("{'descr': '<f4', 'fortran_order': False, 'shape': (1" + "0" * 30 + ", 6), }"),
    "no rows of 10^30": header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1" + "0" * 30 + "), }"),
    "negative": header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 6), }") + b"\0" * 24,
    "a large header": header("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 5000 + "), }", (2, 0)),
    "nested": header("(" * 9000),
    "brackets": header("[" * 9000 + "]" * 9000, (2, 0)),
    "text": header("\x1b[31m it is 'no' header"),
    "type": header("{'descr': 'x9', 'fortran_order': False, 'shape': (1, 6), }"),
    "types": header("{'descr': [('a', 'O')], 'fortran_order': False, 'shape': (1, 6), }"),
    "objects": header("{'descr': '|O', 'fortran_order': False, 'shape': (1, 6), }") + b"\x80\x04\x95",
    "element type": header("{'descr': 7, 'fortran_order': False, 'shape': (1, 6), }"),
    "keys": header("{'descr': '<f4'}"),
    "shape": header("{'descr': '<f4', 'fortran_order': False, 'shape': 6, }") + b"\0" * 24,
    "cut": header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 6), }") + b"\0" * 47,
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_are_none(folder, capsys, name):
    (folder / "bad.npy").write_bytes(ARRAYS[name])
    assert rdcodec("encode", folder / "bad.npy", "--codec", folder / "codec", "--out", folder / "x") == 1
    assert f"{folder / 'bad.npy'}: expected a .npy file of numbers: " in line_of(capsys)
    assert not (folder / "x").exists()


def test_arrays_of_several_are_named_so(folder, capsys):
    np.savez(folder / "bad.npz", a=np.zeros(3))
    assert rdcodec("encode", folder / "bad.npz", "--codec", folder / "codec", "--out", folder / "x") == 1
    assert "several arrays (.npz) in place of one" in line_of(capsys)


CONFIGS = {
    "empty": b"",
    "deep": b"[" * 100_000,
    "bytes": b"\xff\xfe\x00",
    "escapes": b'{"format_version": 1, "family": "\\u001b[31m\\ud800", "codec_id": "", "config": {}}',
    "numbers": b'{"format_version": 1, "family": "integer", "codec_id": "0000000000000000", "config": {"channels": 1e999}}',
    "types": b'{"format_version": 1, "family": "mxfp4", "codec_id": "0000000000000000", "config": {"channels": "6"}}',
}


@pytest.mark.parametrize("name", CONFIGS)
def test_codecs_that_are_damaged(folder, capsys, name, model_dir, text_files):
    (folder / "codec" / "config.json").write_bytes(CONFIGS[name])
    (folder / "x").write_bytes(b"as before")
    capsys.readouterr()
    codec = ("--codec", folder / "codec")
    for command in (
        ("encode", folder / "h.npy", *codec, "--out", folder / "x"),
        ("decode", folder / "h.rdc", *codec, "--out", folder / "x"),
        ("verify", folder / "h.rdc", *codec),
        ("eval", "--model", model_dir, "--text", text_files[1], *codec),
        ("bounds", "--model", model_dir, "--text", text_files[1], *codec),
    ):
        assert rdcodec(*command) == 1
        assert str(folder / "codec") in line_of(capsys)
    assert (folder / "x").read_bytes() == b"as before"


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["h.npy", "h.rdc", "codec/config.json", "codec/codec.safetensors"]),
    at=st.floats(0, 1),
    data=st.binary(max_size=12),
    cut=st.booleans(),
)
def test_files_changed_at_random(capsys, name, at, data, cut):
    """Whatever stands in a file, commands end with 0, or with 1 and a line; never with a traceback."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        h = np.random.default_rng(0).normal(size=(30, CHANNELS)).astype(np.float32)
        np.save(folder / "h.npy", h)
        codec = GlobalStepCodec.fit(h, 0.5)
        codec.save_pretrained(folder / "codec")
        (folder / "h.rdc").write_bytes(codec.encode(h))
        whole = (folder / name).read_bytes()
        place = int(at * len(whole))
        (folder / name).write_bytes(whole[:place] + data + (b"" if cut else whole[place + len(data) :]))
        for command in (
            ("encode", folder / "h.npy", "--codec", folder / "codec", "--out", folder / "x"),
            ("decode", folder / "h.rdc", "--codec", folder / "codec", "--out", folder / "y.npy"),
            ("verify", folder / "h.rdc", "--codec", folder / "codec"),
            ("inspect", folder / "h.rdc"),
        ):
            capsys.readouterr()
            status = rdcodec(*command)
            lines = capsys.readouterr().err.splitlines()
            assert (status, len(lines)) in ((0, 0), (1, 1))


# ---- models


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("model.safetensors", lambda data: data[:1000]),
        ("model.safetensors", lambda data: b"no tensors at all"),
        ("model.safetensors", lambda data: b""),
        ("config.json", lambda data: data[: len(data) // 2]),
        ("config.json", lambda data: b"[]"),
        ("config.json", lambda data: b"\xff\xfe"),
        ("config.json", lambda data: data.replace(b'"hidden_size": 48', b'"hidden_size": "x"')),
        ("config.json", lambda data: data.replace(b'"hidden_size": 48', b'"hidden_size": 64')),
        ("config.json", lambda data: data.replace(b"qwen2", b"no such architecture")),
        ("tokenizer.json", lambda data: data[:300]),
        ("tokenizer.json", lambda data: b"{}"),
    ],
)
def test_models_that_are_damaged(model_dir, text_files, tmp_path, capsys, file, damage):
    shutil.copytree(model_dir, tmp_path / "model")
    data = (model_dir / file).read_bytes()
    assert damage(data) != data
    (tmp_path / "model" / file).write_bytes(damage(data))
    options = ("--text", text_files[0], "--layer", 1, "--tokens", 100, "--out", tmp_path / "out")
    assert rdcodec("calibrate", "--model", tmp_path / "model", *options) == 1
    assert f"model {tmp_path / 'model'}: " in line_of(capsys)
    assert not (tmp_path / "out").exists()


def test_a_gguf_file_that_is_none(text_files, tmp_path, capsys):
    for data in (b"", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 60):
        (tmp_path / "model.gguf").write_bytes(data)
        status = rdcodec("eval", "--model", tmp_path / "model.gguf", "--text", text_files[1], "--baselines", "--layer", 1)
        assert status == 1
        assert "model.gguf" in line_of(capsys)


@pytest.mark.parametrize("command", ["calibrate", "eval", "bounds", "train"])
def test_texts_that_are_not_utf_8(command, model_dir, codec_dir, tmp_path, capsys):
    (tmp_path / "t").write_bytes(b"abc\xff")
    options = {
        "calibrate": ("--layer", 1, "--out", tmp_path / "out"),
        "eval": ("--codec", codec_dir),
        "bounds": ("--codec", codec_dir),
        "train": ("--layer", 1, "--out", tmp_path / "out", "--family", "context"),
    }
    assert rdcodec(command, "--model", model_dir, "--text", tmp_path / "t", *options[command]) == 1
    assert f"{tmp_path / 't'}: expected UTF-8 text, byte 3 is not" in line_of(capsys)


def test_more_memory_than_there_is_is_a_line(folder, capsys, monkeypatch):
    def exhausted(*arguments):
        raise MemoryError

    monkeypatch.setattr(IntegerCodec, "_encode_tokens", exhausted)
    assert rdcodec("encode", folder / "h.npy", "--codec", folder / "codec", "--out", folder / "x") == 1
    assert line_of(capsys) == "rdcodec: there is not enough memory for this"
