"""Every family of codecs by its name in checkpoints: those that are imported, and those that installed packages declare.

A package declares a family as an entry point of the group ``rdcodec.codecs``: the family's name, and its class or the module that holds it.
"""

from importlib.metadata import entry_points

__all__ = ["FAMILIES", "find_family"]

GROUP = "rdcodec.codecs"

FAMILIES: dict[str, type] = {}
"""dict of str to class: every family that is imported."""


def find_family(name):
    """The class of a family, imported now if a package declares it; None where nobody knows it."""
    if name not in FAMILIES:
        for declared in entry_points(group=GROUP, name=name):
            declared.load()
    return FAMILIES.get(name)
