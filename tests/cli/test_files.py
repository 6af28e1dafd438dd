"""encode, decode, inspect, verify and info: real files in, real files out."""

import json
import subprocess
import sys

import numpy as np
import pytest

from rdcodec.cli.app import run
from rdcodec.codecs import GlobalStepCodec, IntegerCodec, Origin
from rdcodec.entropy import FrequencyTables
from rdcodec.stream import CHAIN_START, Header, read_header, write_frame, write_header

CHANNELS = 24


@pytest.fixture
def folder(tmp_path):
    """h.npy [2, 30, 24] float16 and an int8 codec for it."""
    h = np.random.default_rng(0).normal(size=(2, 30, CHANNELS)).astype(np.float16)
    np.save(tmp_path / "h.npy", h)
    IntegerCodec(CHANNELS, 8).save_pretrained(tmp_path / "codec")
    return tmp_path


@pytest.fixture
def stream(folder):
    assert rdcodec("encode", folder / "h.npy", "--codec", folder / "codec", "--out", folder / "h.rdc") == 0
    return folder / "h.rdc"


def rdcodec(*arguments):
    return run([str(argument) for argument in arguments])


def test_encode_writes_what_the_codec_makes(folder, capsys):
    expected = IntegerCodec(CHANNELS, 8).encode(np.load(folder / "h.npy"))
    assert rdcodec("encode", folder / "h.npy", "--codec", folder / "codec", "--out", folder / "x") == 0
    assert (folder / "x").read_bytes() == expected
    assert f"60 tokens, {len(expected)} bytes" in capsys.readouterr().out


def test_encode_json(folder):
    status = rdcodec("encode", folder / "h.npy", "--codec", folder / "codec", "--out", folder / "x", "--json", folder / "r.json")
    result = json.loads((folder / "r.json").read_text())
    assert status == 0 and result["tokens"] == 60
    assert result["bits_per_token"] == pytest.approx(8 * (folder / "x").stat().st_size / 60)


def test_an_exported_codec_takes_the_place_of_its_folder(folder, stream, capsys):
    assert rdcodec("export", folder / "codec", folder / "int8.rdc") == 0
    codec_id = IntegerCodec(CHANNELS, 8).codec_id.hex()
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{folder / 'int8.rdc'}: integer codec {codec_id}, ")
    assert rdcodec("encode", folder / "h.npy", "--codec", folder / "int8.rdc", "--out", folder / "x") == 0
    assert (folder / "x").read_bytes() == stream.read_bytes()
    capsys.readouterr()
    assert rdcodec("inspect", folder / "int8.rdc") == 0
    assert codec_id in capsys.readouterr().out


def test_decode_brings_shape_and_element_type_back(folder, stream):
    assert rdcodec("decode", stream, "--codec", folder / "codec", "--out", folder / "back.npy") == 0
    h, back = np.load(folder / "h.npy"), np.load(folder / "back.npy")
    assert back.dtype == np.float16 and back.shape == h.shape
    assert np.abs(back - h).max() < 0.05


def test_decode_of_bfloat16_writes_float32(folder):
    torch = pytest.importorskip("torch")
    codec = IntegerCodec(CHANNELS, 8)
    h = torch.randn(5, CHANNELS, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    (folder / "b.rdc").write_bytes(codec.encode(h))
    assert rdcodec("decode", folder / "b.rdc", "--codec", folder / "codec", "--out", folder / "b.npy") == 0
    back = np.load(folder / "b.npy")
    assert back.dtype == np.float32
    assert np.array_equal(back, codec.decode(codec.encode(h)).float().numpy())


def test_inspect_lists_every_byte(stream, tmp_path, capsys):
    assert rdcodec("inspect", stream, "--json", tmp_path / "r.json") == 0
    result = json.loads((tmp_path / "r.json").read_text())
    header, _ = read_header(stream.read_bytes())
    assert result["codec_id"] == header.codec_id.hex()
    assert (result["dtype"], result["rows"], result["tokens"], result["channels"]) == ("float16", 2, 30, CHANNELS)
    assert result["header_bytes"] + sum(frame["bytes"] for frame in result["frames"]) == stream.stat().st_size
    assert sum(frame["tokens"] for frame in result["frames"]) == 60
    assert header.codec_id.hex() in capsys.readouterr().out


def test_inspect_of_a_codec(folder, tmp_path, capsys):
    codec = IntegerCodec(CHANNELS, 8)
    assert rdcodec("inspect", folder / "codec", "--json", tmp_path / "r.json") == 0
    assert "unknown" in capsys.readouterr().out
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["codec_id"] == codec.codec_id.hex() and result["fingerprint"] is result["layer"] is None
    assert (result["min_quality"], result["max_quality"]) == (codec.min_quality, codec.max_quality)
    codec.origin = Origin("llama", "0123456789abcdef")
    codec.save_pretrained(folder / "codec")
    assert rdcodec("inspect", folder / "codec", "--json", tmp_path / "r.json") == 0
    assert "0123456789abcdef" in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text())["model_type"] == "llama"


def test_verify_finds_every_flipped_bit(folder, stream):
    data = stream.read_bytes()
    assert rdcodec("verify", stream) == 0
    assert rdcodec("verify", stream, "--codec", folder / "codec") == 0
    for at in range(0, 8 * len(data), 977):
        damaged = bytearray(data)
        damaged[at // 8] ^= 1 << at % 8
        stream.write_bytes(damaged)
        assert rdcodec("verify", stream) == 1, f"bit {at}"


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_verify_finds_what_is_missing(stream, cut, capsys):
    stream.write_bytes(stream.read_bytes()[:cut])
    assert rdcodec("verify", stream) == 1
    assert_one_line(capsys)


def test_verify_finds_what_is_too_much(stream, capsys):
    size = stream.stat().st_size
    stream.write_bytes(stream.read_bytes() + b"x")
    assert rdcodec("verify", stream) == 1
    assert f"byte {size}" in assert_one_line(capsys)


def test_decode_with_another_codec_loses_nothing(folder, stream, capsys):
    IntegerCodec(CHANNELS, 6).save_pretrained(folder / "other")
    (folder / "back.npy").write_bytes(b"as before")
    capsys.readouterr()
    assert rdcodec("decode", stream, "--codec", folder / "other", "--out", folder / "back.npy") == 1
    assert "made with codec" in assert_one_line(capsys)
    assert (folder / "back.npy").read_bytes() == b"as before"
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, CHANNELS)), "float64"),
        (np.zeros((3, CHANNELS), ">f4"), ">f4"),
        (np.zeros((3, CHANNELS + 1), np.float32), f"{CHANNELS} channels"),
        (np.zeros(CHANNELS, np.float32), "[tokens, channels]"),
        (np.full((3, CHANNELS), np.nan, np.float32), "(0, 0)"),
    ],
)
def test_encode_refuses_by_name(folder, array, message, capsys):
    np.save(folder / "bad.npy", array)
    assert rdcodec("encode", folder / "bad.npy", "--codec", folder / "codec", "--out", folder / "x") == 1
    assert message in assert_one_line(capsys)
    assert not (folder / "x").exists()


def test_encode_refuses_what_is_no_array(folder, capsys):
    (folder / "bad.npy").write_bytes(b"no array at all")
    assert rdcodec("encode", folder / "bad.npy", "--codec", folder / "codec", "--out", folder / "x") == 1
    assert "bad.npy: expected a .npy file" in assert_one_line(capsys)


def test_encode_never_unpickles(folder, capsys):
    np.save(folder / "bad.npy", np.array([print], dtype=object), allow_pickle=True)
    assert rdcodec("encode", folder / "bad.npy", "--codec", folder / "codec", "--out", folder / "x") == 1
    assert_one_line(capsys)


def test_no_tokens(folder):
    np.save(folder / "none.npy", np.zeros((0, CHANNELS), np.float32))
    assert rdcodec("encode", folder / "none.npy", "--codec", folder / "codec", "--out", folder / "x") == 0
    assert rdcodec("inspect", folder / "x") == 0
    assert rdcodec("decode", folder / "x", "--codec", folder / "codec", "--out", folder / "back.npy") == 0
    assert np.load(folder / "back.npy").shape == (0, CHANNELS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("encode", "none.npy", "--codec", "codec", "--out", "x"),
        ("encode", "h.npy", "--codec", "none", "--out", "x"),
        ("encode", "h.npy", "--codec", "codec", "--out", "none/x"),
        ("encode", "h.npy", "--codec", "codec", "--out", "x", "--json", "none/r.json"),
        ("decode", "none", "--codec", "codec", "--out", "x"),
        ("inspect", "none"),
        ("verify", "none"),
    ],
)
def test_what_is_missing_is_named(folder, arguments, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert rdcodec(*arguments) == 1
    assert "none" in assert_one_line(capsys)
    assert not (folder / "x").exists()


def test_paths_are_printed_as_they_are(folder, capsys):
    out = folder / ("[bold]" + "long" * 40)
    assert rdcodec("encode", folder / "h.npy", "--codec", folder / "codec", "--out", out) == 0
    assert str(out) in capsys.readouterr().out


def test_info(tmp_path, capsys):
    assert rdcodec("info", "--json", tmp_path / "r.json") == 0
    facts = json.loads((tmp_path / "r.json").read_text())
    assert facts["version"] and facts["kernels"] and facts["threads"] >= 1
    assert facts["version"] in capsys.readouterr().out


def test_wrong_options_end_with_status_2():
    assert rdcodec("inspect") == 2
    assert rdcodec("no-such-command") == 2


def assert_one_line(capsys):
    """The one line of stderr."""
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("rdcodec: ")
    return line


def peak_memory(script, *arguments):
    """Bytes that a process of its own takes at most beyond what it takes to begin."""
    measure = (
        "import resource, sys; from rdcodec.cli import main; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        f"{script}; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    run = subprocess.run([sys.executable, "-c", measure, *map(str, arguments)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return 1024 * int(run.stdout.splitlines()[-1])


def test_a_stream_of_tiny_frames_takes_no_memory(tmp_path):
    """262,144 frames, a megabyte; none of them is kept."""
    tokens, before, frames = 2**18, CHAIN_START, []
    for _ in range(tokens):
        frames.append(write_frame(1, b"", None if frames else 0, before))
        before = int.from_bytes(frames[-1][-2:], "little")
    header = write_header(Header("float32", b"codec id", 8, 1, tokens, False))
    (tmp_path / "x").write_bytes(header + b"".join(frames))
    for command in ("inspect", "verify"):
        assert peak_memory(f"from rdcodec.cli.app import run; run([{command!r}, sys.argv[1]])", tmp_path / "x") < 2**24


def test_decoding_more_than_a_stream_can_be_expected_to_hold(tmp_path, capsys):
    rare = FrequencyTables.from_frequencies(np.tile([2**14 - 1, 1], 1024), np.full(1024, 2), np.zeros(1024, int), 14)
    GlobalStepCodec(1024, 1.0, rare).save_pretrained(tmp_path / "codec")
    data = GlobalStepCodec(1024, 1.0, rare).encode(np.zeros((4 * 4096, 1024), np.float32))
    (tmp_path / "x").write_bytes(data)
    decode = ("decode", tmp_path / "x", "--codec", tmp_path / "codec", "--out", tmp_path / "x.npy", "--max-bytes")
    assert rdcodec(*decode, 1000) == 1
    assert "give max_bytes=67108864 to decode them" in assert_one_line(capsys)
    assert rdcodec(*decode, 67108864) == 0
    assert np.load(tmp_path / "x.npy").shape == (4 * 4096, 1024)


@pytest.mark.parametrize("command", ["encode", "decode"])
def test_outputs_are_all_written_or_none(folder, stream, command, monkeypatch, capsys):
    def fail(path, value):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(f"rdcodec.cli.{command}.write_json", fail)
    source = folder / "h.npy" if command == "encode" else stream
    before = sorted(folder.iterdir())
    assert rdcodec(command, source, "--codec", folder / "codec", "--out", folder / "x", "--json", folder / "r.json") == 1
    assert sorted(folder.iterdir()) == before
    assert capsys.readouterr().err == f"rdcodec: {folder / 'r.json'}: No space left on device\n"


def test_outputs_are_checked_before_the_work(folder, capsys):
    for options, message in (
        (("--out", folder / "x", "--json", folder / "nowhere" / "r.json"), f"the folder {folder / 'nowhere'} does not exist"),
        (("--out", folder / "x", "--json", folder / "x"), "expected files that differ"),
        (("--out", folder), "is a folder, expected a file to write"),
    ):
        assert rdcodec("encode", folder / "missing.npy", "--codec", folder / "codec", *options) == 1
        assert message in capsys.readouterr().err
