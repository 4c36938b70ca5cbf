"""
The files that TANDEM["ENV_FILE"] names, found before the settings are imported in this process.

The settings may read the variables that those files set, and are imported once. So they are
imported in a child process first, where the text of the settings names the option; where that
import fails, as it may for want of the variables, a name that is written out is read from the text.
"""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings as django_settings

from django_tandem import syntax
from django_tandem.project.child import call_in_child
from django_tandem.project.location import Location, load_settings
from django_tandem.settings import read_settings
from django_tandem.settings.env_file import OPTIONAL

OPTION = "ENV_FILE"
# What projects call the directory of manage.py.
BASE_DIR = "BASE_DIR"


@functools.cache
def named_in_settings(location: Location) -> tuple[str, ...]:
    """Return the absolute paths that the settings name, each with the dash that it may have."""
    if django_settings.configured:
        found = read_settings(getattr(django_settings, "TANDEM", None)).env_file
    elif is_mentioned(location):
        read = call_in_child(lambda: load_settings(location).env_file)
        found = tuple(_written_out(location) if read is None else read)
    else:
        return ()
    return absolute(found, location.directory)


def is_mentioned(location: Location) -> bool:
    """Return whether the text of the settings names the option, or something of that name."""
    return any(OPTION in text for text in _texts(location))


def absolute(paths: tuple[str, ...], directory: Path) -> tuple[str, ...]:
    """Return ``paths`` relative to ``directory`` as absolute ones, with their dashes."""
    return tuple(
        f"{OPTIONAL if path.startswith(OPTIONAL) else ''}{directory / path.removeprefix(OPTIONAL)}"
        for path in paths
    )


def _texts(location: Location) -> Iterator[str]:
    """Yield the texts of the settings module and of its neighbours, which it may be made of."""
    above, _, name = location.settings_module.rpartition(".")
    directory = location.directory.joinpath(*above.split("."))
    for file in (*sorted(directory.glob("*.py")), *sorted(directory.glob(f"{name}/*.py"))):
        try:
            yield file.read_text()
        except (OSError, ValueError):
            continue


def _written_out(location: Location) -> list[str]:
    """Return the paths in the first dict of the settings' texts that has the option."""
    for text in _texts(location):
        try:
            tree = syntax.parse(text)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict) and (found := _paths_in(node)):
                return found
    return []


def _paths_in(node: ast.Dict) -> list[str]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == OPTION:
            each = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
            return [path for path in map(_path, each) if path]
    return []


def _path(node: ast.expr) -> str:
    """Return a literal, or what follows BASE_DIR; empty for any other expression."""
    match node:
        case ast.Constant(value=str(path)):
            return path
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(name))):
            above = "." if isinstance(left, ast.Name) and left.id == BASE_DIR else _path(left)
            return f"{above}/{name}" if above else ""
    return ""
