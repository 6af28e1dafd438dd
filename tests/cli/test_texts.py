"""Where commands take their text from."""

import json

import pytest

from rdcodec import RdcodecError
from rdcodec.cli.texts import read_texts

LINES = ["Grüße", "an alle", ""]


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    for name, rows in (("good", [{"text": line, "other": 1} for line in LINES]), ("bad", [{"words": "none"}])):
        (tmp_path / name).mkdir()
        content = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / name / "train.jsonl").write_text(content, encoding="utf-8")
    return tmp_path


def test_files_are_read_as_they_are(tmp_path):
    (tmp_path / "a.txt").write_text("äöü\n", encoding="utf-8")
    assert read_texts([tmp_path / "a.txt", str(tmp_path / "a.txt")]) == ["äöü\n", "äöü\n"]
    (tmp_path / "b.txt").write_bytes(b"ab\xff")
    with pytest.raises(RdcodecError, match="b.txt: expected UTF-8 text, byte 2 is not"):
        read_texts([tmp_path / "b.txt"])


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + "äöü\n".encode())
    assert read_texts([tmp_path / "a.txt"]) == ["äöü\n"]
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbfab\xff")
    with pytest.raises(RdcodecError, match="b.txt: expected UTF-8 text, byte 5 is not"):
        read_texts([tmp_path / "b.txt"])


def test_data_sets_are_their_column_text(dataset):
    assert read_texts([f"hf:{dataset / 'good'}"]) == ["\n".join(LINES)]
    assert read_texts([f"hf:{dataset / 'good'}::train"]) == ["\n".join(LINES)]


def test_data_sets_that_are_none(dataset):
    with pytest.raises(RdcodecError, match="expected a column text, got words"):
        read_texts([f"hf:{dataset / 'bad'}"])
    with pytest.raises(RdcodecError, match="hf:.*nowhere: "):
        read_texts([f"hf:{dataset / 'nowhere'}"])
    with pytest.raises(RdcodecError, match="hf:.*::valid: "):
        read_texts([f"hf:{dataset / 'good'}::valid"])
