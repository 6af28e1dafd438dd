"""The fuzzer's corpus, run by the ordinary compilers: what once was found stays mended, and the targets stay alive.

targets.h says what there is; run.sh fuzzes.
"""

from pathlib import Path

import pytest
from core_builds import run

CORPUS = Path(__file__).parent / "corpus"
TARGETS = ["block", "parts", "frame", "stream", "tables", "network", "prediction", "checkpoint", "codec_file"]


def test_every_target_has_a_corpus():
    assert sorted(TARGETS) == sorted(path.name for path in CORPUS.iterdir())
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 300_000


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["native", "sanitized-gcc", "sanitized-clang", "aarch64", "s390x"])
def test_the_corpus_runs(name, target):
    files = sorted((CORPUS / target).iterdir())
    assert files and run(name, "replay", target, *files) == f"{target}: {len(files)} files\n"
