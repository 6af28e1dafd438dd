"""The README's Python runs, at a small size; its links lead somewhere; its command lines are accepted."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    names = {}
    for block in blocks:
        exec(compile(block.replace("tokens=12_000", "tokens=1_000"), "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "The capital of France is" in printed
    assert re.search(r"\d+ bits a token, \d+\.\d times smaller than float16", printed)
    assert names["back"].shape == names["h"].shape
    assert (tmp_path / "rate-distortion.png").stat().st_size > 10_000


def test_the_example_is_made_small():
    assert "tokens=12_000" in README


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing


def test_commands_and_options_exist():
    from typer.main import get_command

    from rdcodec.cli.app import app

    lines = [line.strip() for line in README.splitlines() if line.startswith("    rdcodec ")]
    assert {line.split()[1] for line in lines} == set(get_command(app).commands)
    for line in lines:
        words = shlex.split(line.split("   ")[0])
        command = get_command(app).commands[words[1]]
        if command.context_settings.get("ignore_unknown_options"):  # which go on to another program
            continue
        known = {name for parameter in command.params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", line)) <= known, line
