"""Files of earlier versions: they must decode to what they were made of, be refused, and be written again to the byte."""

import binascii
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import golden_cases as cases
import numpy as np
import pytest
from safetensors.numpy import load_file

import rdcodec
from rdcodec import Codec, reference
from rdcodec.entropy import FrequencyTables
from rdcodec.net import IntegerNet
from rdcodec.stream import CHAIN_START, read_frame, read_frames, read_header

HERE = Path(__file__).parent
BLOCKS = cases.block_cases()
REFUSED = cases.refused_cases()
TABLES = FrequencyTables.builtin_gaussian()


def golden(folder, name):
    return (HERE / folder / f"{name}.bin").read_bytes()


def test_no_file_is_forgotten():
    names = {path.stem for path in (HERE / "must_decode").iterdir()}
    assert names == {*BLOCKS, "stream-array", "stream-batch", *cases.CODECS}
    assert {path.stem for path in (HERE / "must_refuse").iterdir()} == set(REFUSED)


@pytest.mark.parametrize("name", BLOCKS)
def test_block_decodes(name):
    symbols, index, _ = BLOCKS[name]
    assert np.array_equal(TABLES.decode(golden("must_decode", name), index), symbols)


@pytest.mark.parametrize("name", BLOCKS)
def test_block_is_written_the_same(name):
    assert cases.encode_block(BLOCKS[name]) == golden("must_decode", name)


@pytest.mark.parametrize("name", [name for name, case in BLOCKS.items() if len(case[0]) < 1000])
def test_block_decodes_in_the_reference(name):
    symbols, index, _ = BLOCKS[name]
    assert np.array_equal(reference.decode_block(TABLES.to_arrays(), golden("must_decode", name), index), symbols)


@pytest.mark.parametrize(("name", "batched"), [("stream-array", False), ("stream-batch", True)])
def test_stream_reads(name, batched):
    data = golden("must_decode", name)
    assert data == cases.stream_case(batched)
    header, at = read_header(data)
    assert header._asdict() == reference.read_header(data)[0]
    before = {}
    for row, frame in read_frames(data, header, at):
        assert tuple(frame) == reference.read_frame(data, at, before.get(row, CHAIN_START))
        before[row], at = frame.checksum, frame.end
    assert len(before) == header.rows and at == len(data)


def test_network_puts_out_the_same():
    """Frequency tables are chosen by what networks put out, so old streams need the same integers."""
    net, x, checksum = cases.network_case()
    out = net.run(net.new_state(), x)
    assert np.array_equal(out, reference.run_net(net.layers, net.input_limit, x))
    assert binascii.crc32(out.astype("<i2").tobytes()) == checksum


@pytest.mark.parametrize("name", cases.CODECS)
@pytest.mark.parametrize("threads", ["1", "2"])
def test_codec_codes_the_same(name, threads):
    """In a process of its own, for the number of threads is read when it starts."""
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    run = subprocess.run([sys.executable, HERE / "code_golden.py", name], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    checksum = binascii.crc32(golden("must_decode", name))
    assert run.stdout.split() == [f"{checksum:08x}", f"{cases.DECODED[name]:08x}"]


@pytest.mark.parametrize(("name", "nets"), [("frames-direct-access", ["predictor"]), ("frames-block-transform", [])])
def test_codec_decodes_in_the_reference(name, nets):
    folder = cases.CODECS[name]
    config, tensors = json.loads((folder / "config.json").read_text())["config"], load_file(folder / "codec.safetensors")
    slow = reference.PayloadDecoder(config, tensors, {net: IntegerNet.from_tensors(net, tensors) for net in nets}, uses_context=bool(nets))
    codec = Codec.from_pretrained(folder)
    fast, quality = codec.decoder(), codec.default_quality
    for data, frame in cases.frames_of(golden("must_decode", name)):
        quality = quality if frame.quality is None else frame.quality
        values = slow.decode(frame.payload, frame.tokens, quality)
        assert np.array_equal(values, fast.decode(data))


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    _, kind, error, message = REFUSED[name]
    data = golden("must_refuse", name)
    index = BLOCKS["block-escapes-8-lanes"][1]
    read = {"header": read_header, "frame": read_frame, "block": lambda block: TABLES.decode(block, index)}[kind]
    with pytest.raises(getattr(rdcodec, error), match=message):
        read(data)


def test_sizes_are_pinned():
    """Rates do not creep: what a file costs is in sizes.csv, and a change shows in its diff."""
    with open(HERE / "sizes.csv", newline="") as file:
        pinned = {row["name"]: int(row["bytes"]) for row in csv.DictReader(file)}
    assert pinned == {path.stem: path.stat().st_size for path in (HERE / "must_decode").iterdir()}
