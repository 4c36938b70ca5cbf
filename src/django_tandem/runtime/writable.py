"""
The code of a project that another user than root may write, and so must not run as root.

That user would be root with the next command of root's. A path counts with each directory and
symbolic link on the way to it, as any user who may write there may replace all below.
"""

import contextlib
import grp
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import machinery
from pathlib import Path

BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
SUFFIXES = tuple(machinery.all_suffixes())
# How deep a package may lie in directories without an __init__.py, such as apps/.
NAMESPACES = 2
# The kernel's own limit for a path.
MAX_LINKS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Writable:
    """A path that another user than root may write: its ``owner``, or None where it is root's."""

    path: Path
    owner: int | None
    by: str


def find_writable(paths: Iterable[Path]) -> Writable | None:
    """
    Return the first of ``paths`` that others may write, or that lies below such a directory.

    One that a group or everyone may write comes first, as it has no one owner. Of a path that does
    not exist, what counts is who may create it.
    """
    found = [each for each in _each_writable(paths) if each is not None]
    return min(found, key=lambda each: each.owner is not None, default=None)


def is_below_writable(path: Path) -> bool:
    """Return whether others may replace ``path``, or a directory above it."""
    return any(_writable_above(each) for each in _way_to(path))


def code_of(project: Path, settings_module: str | None) -> Iterator[Path]:
    """Yield the directories and modules that an import may read: packages and the settings."""
    visited: set[tuple[int, int]] = set()
    yield from _package(project, visited)
    *packages, module = (settings_module or "").split(".")
    directory = project
    for name in packages:
        directory = directory / name
        if directory.is_dir():
            yield from _package(directory, visited)
    if (file := directory / f"{module}.py").exists():
        yield file


def _package(directory: Path, visited: set[tuple[int, int]]) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        found = directory.stat()
        yield directory
        # Further findings in there would change nothing, and a user may nest without end.
        if (found.st_dev, found.st_ino) in visited or _writable(directory, found):
            return
        visited.add((found.st_dev, found.st_ino))
        for each in sorted(directory.iterdir()):
            if each.is_dir():
                yield from _importable(each, visited, NAMESPACES)
            elif each.name.endswith(SUFFIXES):
                yield each


def _importable(directory: Path, visited: set[tuple[int, int]], namespaces: int) -> Iterator[Path]:
    """Yield a package, or packages in a directory that is none; uploads are neither."""
    if directory.name == "__pycache__" or (directory / "__init__.py").exists():
        yield from _package(directory, visited)
    elif directory.name.isidentifier() and namespaces:
        with contextlib.suppress(OSError):
            below = [each for each in sorted(directory.iterdir()) if each.is_dir()]
            inside = [path for each in below for path in _importable(each, visited, namespaces - 1)]
            if any(path.name != "__pycache__" for path in inside):
                yield directory
            yield from inside


def _each_writable(paths: Iterable[Path]) -> Iterator[Writable | None]:
    looked_at: set[Path] = set()
    for path in paths:
        for each in _way_to(path):
            if each not in looked_at:
                looked_at.add(each)
                yield _writable_above(each) if os.path.lexists(each) else _creatable(each)
        if path.exists():
            yield _writable(path, path.stat())


def _way_to(path: Path, links: int = MAX_LINKS) -> Iterator[Path]:
    for each in (*reversed(path.parents), path):
        yield each
        if links and each.is_symlink():
            yield from _way_to(each.parent / each.readlink(), links - 1)


def _writable_above(path: Path) -> Writable | None:
    found = path.lstat()
    # A link has no mode; where the sticky bit is set, nobody replaces what is root's.
    is_mode_ignored = stat.S_ISLNK(found.st_mode) or found.st_mode & stat.S_ISVTX
    return None if found.st_uid == 0 and is_mode_ignored else _writable(path, found)


def _creatable(path: Path) -> Writable | None:
    directory = path.parent
    # In a sticky directory too, anyone may create what does not exist.
    return _writable(directory, directory.stat()) if directory.is_dir() else None


def _writable(path: Path, found: os.stat_result) -> Writable | None:
    if found.st_uid != 0:
        return Writable(path=path, owner=found.st_uid, by="its owner")
    if not found.st_mode & BY_OTHERS:
        return None
    is_everyones = found.st_mode & stat.S_IWOTH
    by = "every user" if is_everyones else f"group {_group_name(found.st_gid)}"
    return Writable(path=path, owner=None, by=by)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
