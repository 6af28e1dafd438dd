"""docs/two-machines.md: its Python runs, its commands are accepted, and what it says of files is so."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "two-machines.md").read_text(encoding="utf-8")


def test_the_example_runs(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    (block,) = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    exec(compile(block, "two-machines.md", "exec"), names := {})
    assert len(names["tokens"]) == 8 and len(capsys.readouterr().out.strip()) > 8


def test_options_exist():
    from typer.main import get_command

    from rdcodec.cli.app import app

    known = {
        name for command in ("serve", "generate") for parameter in get_command(app).commands[command].params for name in parameter.opts
    }
    commands = " ".join(re.findall(r"^    rdcodec .*$", DOCUMENT, re.MULTILINE) + re.findall(r"^\| `--.*?\|", DOCUMENT, re.MULTILINE))
    assert len(set(re.findall(r"--[a-z-]+", commands))) > 12 and set(re.findall(r"--[a-z-]+", commands)) <= known


def test_links_and_files_are_there():
    links = [link for link in re.findall(r"\]\(([^)#]+)", DOCUMENT) if "://" not in link]
    assert links and all((ROOT / "docs" / link).exists() for link in links)
    assert all((ROOT / path).exists() for path in re.findall(r"`(tests/[\w/]+\.py)`", DOCUMENT))
