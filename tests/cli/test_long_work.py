"""Long work: lines that say how far it has come where there is no terminal, and what Ctrl-C leaves."""

import numpy as np
import pytest

from rdcodec.cli.app import run
from rdcodec.cli.output import progress_bar
from rdcodec.codecs import Codec, RawCodec
from rdcodec.progress import ProgressLines
from rdcodec.store import Store

CHANNELS = 8


class Clock:
    """Seconds that are set by hand."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def said(capsys):
    """What a call at a time prints."""
    clock = Clock()
    progress = ProgressLines(clock)

    def said(now, *report):
        clock.now = 100 + now
        progress(*report)
        return capsys.readouterr().err

    return said


def test_a_line_now_and_then_with_the_time_left(said):
    assert said(3, "windows", 0.01) == said(5, "windows", 0.05) == ""
    assert said(10, "windows", 0.1) == "windows: 10%, about 2 min left\n"
    assert said(39, "windows", 0.3) == ""
    assert said(60, "windows", 0.75, "0.02 nats") == "windows: 75%, about 19 s left, 0.02 nats\n"
    assert said(95, "windows", 1.0) == ""


def test_the_time_left_is_of_the_stage(said):
    assert said(100, "states", 1.0) == ""
    assert said(105, "tables", 0.001) == "tables: 0%\n"
    assert said(145, "tables", 0.002) == "tables: 0%\n", "of two reports"
    assert said(185, "tables", 0.502) == "tables: 50%, about 40 s left\n"
    assert said(220, "settings", 0.5) == "settings: 50%\n"


def test_the_first_parts_are_the_slowest(said):
    """The speed is that of late."""
    assert said(9, "states", 0.01) == said(9.2, "states", 0.02) == ""
    assert said(11, "states", 0.05) == "states: 5%\n"
    lines = [said(now, "states", 0.05 + 0.03 * (now - 11)) for now in range(12, 42)]
    assert "".join(lines) == "states: 95%, about 2 s left\n"


def test_what_is_remembered_does_not_grow(capsys):
    clock = Clock()
    progress = ProgressLines(clock)
    for step in range(10_000):
        clock.now += 0.005
        progress("tokens", step / 10_000)
    assert len(progress._course) < 200
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["tokens: 20%, about 40 s left", "tokens: 80%, about 10 s left"]


def test_commands_say_it_where_there_is_no_terminal():
    with progress_bar() as progress:
        assert isinstance(progress, ProgressLines)


@pytest.fixture
def arrays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    h = np.random.default_rng(1).normal(size=(64, CHANNELS)).astype(np.float16)
    np.save("h.npy", h)
    RawCodec(CHANNELS).save_pretrained("codec")
    return h


def test_ctrl_c_leaves_what_was_there(arrays, tmp_path, monkeypatch, capsys):
    (tmp_path / "h.rdc").write_bytes(b"old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Codec, "encode_parts", interrupted)
    assert run(["encode", "h.npy", "--codec", "codec", "--out", "h.rdc"]) == 130
    assert capsys.readouterr().err == "rdcodec: stopped; nothing was written, and what was there before is as it was\n"
    assert (tmp_path / "h.rdc").read_bytes() == b"old" and sorted(p.name for p in tmp_path.iterdir()) == ["codec", "h.npy", "h.rdc"]


def test_ctrl_c_says_how_to_go_on(arrays, monkeypatch, capsys):
    command = ["pack", "h.npy", "--codec", "codec", "--out", "store", "--group-tokens", "16"]

    def interrupted(writer, sources, total, progress):
        writer.add(arrays[:32])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("rdcodec.cli.pack.pack_sources", interrupted)
        assert run(command) == 130
    assert capsys.readouterr().err == "rdcodec: stopped; store keeps what was done: the same command with --resume goes on from there\n"
    assert len(Store.open("store")) == 32
    assert run([*command, "--resume"]) == 0
    assert np.array_equal(Store.open("store")[:], arrays)
