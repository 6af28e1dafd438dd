"""Each room of the package, a folder or a file of its own, keeps its private names to itself."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

import rdcodec
from rdcodec import _core

PACKAGE = Path(rdcodec.__file__).parent
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
# What a codec family implements; others than rdcodec/codecs call what is public.
HOOKS = {
    *("_config", "_tensors", "_from_parts", "_new_state"),
    *("_encode_tokens", "_decode_tokens", "_encode_rows", "_decode_rows"),
}
# What classes inherit from those of the core.
INHERITED = {name for kind in vars(_core).values() if isinstance(kind, type) for name in vars(kind)}


def room(path):
    return path.relative_to(PACKAGE).parts[0]


def is_private(name):
    return name.startswith("_") and name.strip("_") != "" and not name.startswith("__")


def defined(tree):
    """Private names that are given to functions, classes, attributes and variables."""
    for node in ast.walk(tree):
        name = getattr(node, "name", None) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else None
        if isinstance(getattr(node, "ctx", None), ast.Store):
            name = getattr(node, "attr", getattr(node, "id", None))
        if name and is_private(name):
            yield name


DEFINED = defaultdict(set)
for _path, _tree in TREES.items():
    DEFINED[room(_path)] |= set(defined(_tree))


def is_own(node):
    """Whether an attribute is of self, of cls or of super()."""
    of = node.func if isinstance(node, ast.Call) else node
    return isinstance(of, ast.Name) and of.id in ("self", "cls", "super")


def used(tree, own):
    """Private attributes that are asked for: those of self and the like, or those of others."""
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_private(node.attr))
    return {node.attr for node in attributes if is_own(node.value) == own}


def test_the_rooms_are_found():
    assert {"codecs", "calibration", "training", "splits", "entropy.py"} <= DEFINED.keys()


@pytest.mark.parametrize("path", TREES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_private_names_of_other_rooms_are_not_used(path):
    own, others = used(TREES[path], own=True), used(TREES[path], own=False)
    elsewhere = set().union(*(names for name, names in DEFINED.items() if name != room(path))) - DEFINED[room(path)]
    assert not others & elsewhere
    assert not own & elsewhere - HOOKS - INHERITED
    assert room(path) == "codecs" or not others & HOOKS


@pytest.mark.parametrize("path", TREES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_private_names_are_not_imported(path):
    """But for the C core, which is private to the package as a whole."""
    imports = [node for node in ast.walk(TREES[path]) if isinstance(node, ast.ImportFrom)]
    names = {(node.module, alias.name) for node in imports for alias in node.names if is_private(alias.name)}
    assert names <= {("rdcodec", "_core")}
