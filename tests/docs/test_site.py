"""The documents as a site: every page is found, links lead somewhere, commands exist, rooms are described, and it builds."""

import importlib.util
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import PurePosixPath

import pytest
from documents import DOCUMENTS, ROOT, prose_of, text_of

import rdcodec

INNER_ROOMS = {
    "arguments",
    "arrays",
    "bars",
    "cli",
    "extras",
    "files",
    "memory",
    "messages",
    "modes",
    "pieces",
    "progress",
    "unpacked",
}  # which users have no need of


def places(entry):
    """The documents that a part of the navigation names."""
    if isinstance(entry, str):
        return [entry]
    return [place for part in (entry if isinstance(entry, list) else entry.values()) for place in places(part)]


def test_the_navigation_names_every_page_once():
    yaml = pytest.importorskip("yaml")
    assert sorted(places(yaml.safe_load(text_of("mkdocs.yml"))["nav"])) == DOCUMENTS


def anchors_of(document):
    headings = re.findall(r"^#+ (.*)", prose_of(document), re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    described = re.findall(r"^::: (.*)", text_of(document), re.MULTILINE)
    names = {f"{room}.{name}" for room in described for name in import_module(room).__all__}
    return names | {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in plain}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(document)):
        if "://" in link:
            continue
        place, _, anchor = link.partition("#")
        target = (ROOT / document).parent / place if place else ROOT / document
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target.resolve().relative_to(ROOT).as_posix()), link


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if document != "CHANGELOG.md"])
def test_files_that_are_named_are_there(document):
    named = re.findall(r"`((?:tests|docs|rdcodec|csrc|benchmarks|examples)/[\w/.-]+\.\w+)`", text_of(document))
    assert [path for path in named if not (ROOT / path).exists()] == []


def commands_in(document):
    """The lines of a document that run the program, continued ones as one line."""
    text = text_of(document).replace("\\\n", " ")
    return [line.strip().split("   ")[0] for line in text.splitlines() if line.startswith("    rdcodec ")]


def program():
    pytest.importorskip("typer")
    from typer.main import get_command

    from rdcodec.cli.app import app

    return get_command(app).commands


def test_every_command_is_described():
    assert {line.split()[1] for line in commands_in("docs/command-line.md")} == set(program())


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if commands_in(document)])
def test_commands_and_options_exist(document):
    for line in commands_in(document):
        command = program()[shlex.split(line)[1]]
        if command.context_settings.get("ignore_unknown_options"):  # which go on to another program
            continue
        known = {name for parameter in command.params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", line)) <= known, line


@pytest.mark.parametrize("document", DOCUMENTS)
def test_options_in_tables_exist(document):
    rows = "".join(re.findall(r"^\| (`--.*?) \|", text_of(document), re.MULTILINE))
    known = {name for command in program().values() for parameter in command.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", rows)) <= known


def test_every_room_is_in_the_reference():
    package = ROOT / "rdcodec"
    rooms = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    assert rooms_in_the_reference() == {room for room in rooms if not room.startswith("_")} - INNER_ROOMS


def test_the_names_at_the_top_are_in_the_reference():
    linked = set(re.findall(r"\[`(\w+)`\]\(\w+\.md#rdcodec\.", text_of("docs/api/index.md")))
    assert linked >= set(rdcodec.__all__) - {"__version__"}


def rooms_in_the_reference():
    pages = [text_of(document) for document in DOCUMENTS if PurePosixPath(document).parent.name == "api"]
    return set(re.findall(r"^::: rdcodec\.(\w+)$", "\n".join(pages), re.MULTILINE))


def test_pictures_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    subprocess.run([sys.executable, ROOT / "docs/images/draw_concepts.py", tmp_path], check=True)
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {path.name for path in (ROOT / "docs/images").glob("concept-*.svg")}
    assert drawn == set(re.findall(r"images/([\w-]+\.svg)", text_of("docs/concepts.md")))


@pytest.mark.skipif(importlib.util.find_spec("mkdocstrings_handlers") is None, reason="needs pip install 'rdcodec[docs]'")
def test_the_site_builds_without_warnings(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    pages = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "site/docs/api").glob("**/*.html"))
    assert public_names() <= set(re.findall(r'id="rdcodec[\w.]*\.(\w+)"', pages))


def public_names():
    """Classes and functions of the rooms in the reference; types are no classes of their own, two rooms need extras."""
    rooms = [import_module(f"rdcodec.{room}") for room in rooms_in_the_reference() - {"harness", "serving", "types"}]
    return {name for room in rooms for name in room.__all__ if callable(getattr(room, name))}
