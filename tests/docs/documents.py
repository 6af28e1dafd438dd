"""The project's documents, and what the tests read in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "pretrained/README.md", "benchmarks/*.md", "docs/**/*.md"]
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for pattern in PAGES for path in ROOT.glob(pattern))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"^<!-- not run: .+ -->\n```python\n.*?^```", re.MULTILINE | re.DOTALL)
_PYTHON = re.compile(r"^(?:```python|<!-- given:)\n(.*?)^(?:```|-->)$", re.MULTILINE | re.DOTALL)


def text_of(document):
    return (ROOT / document).read_text(encoding="utf-8")


def prose_of(document):
    """A document without its blocks of code."""
    return _FENCE.sub("", text_of(document))


def examples_of(document):
    """The blocks of Python in a document that are to be run, and what is given to them in comments."""
    return _PYTHON.findall(_NOT_RUN.sub("", text_of(document)))
