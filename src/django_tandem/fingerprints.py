"""
Whether the private code of other packages that we rely on still reads as when it was read.

Projects pin Django, asgiref, Channels and the servers themselves, so none of them has an upper
bound here. Code that is patched or called behind their public interface has a fingerprint in
fingerprints.json for each version that was read; where the installed one differs, the caller
leaves the package unchanged. `python -m django_tandem.fingerprints NAME …` adds the installed
versions: read the change first.
"""

import ast
import functools
import hashlib
import importlib.metadata
import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django_tandem import syntax

FILE = Path(__file__).with_suffix(".json")

# By dotted name: each fingerprint, with the version that it was first seen in.
Fingerprints = dict[str, dict[str, str]]

logger = logging.getLogger("django_tandem")


def is_known(dotted: str) -> bool:
    """Return whether the function, method or class reads as in a version that was read."""
    seen = known().get(dotted, {})
    # To parse a whole module takes ten times as long as to parse one definition of it.
    return bool(seen) and (_quick_fingerprint(dotted) in seen or fingerprint(dotted) in seen)


def unknown_among(names: Iterable[str]) -> list[str]:
    """Return those of ``names`` whose code differs from every version that was read."""
    return [dotted for dotted in names if not is_known(dotted)]


def are_known(names: Iterable[str], *, otherwise: str) -> bool:
    """
    Return whether all of ``names`` are known.

    If not, log one warning that ends with ``otherwise``: the sentence that says what is not used.
    """
    unknown = unknown_among(names)
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        logger.warning(
            "%s%s in %s differ%s from the versions that django-tandem knows. %s",
            unknown[0],
            more,
            installed_version(unknown[0]),
            "" if more else "s",
            otherwise,
        )
    return not unknown


@functools.cache
def known() -> Fingerprints:
    """Return the fingerprints of all that was read."""
    found: Fingerprints = json.loads(FILE.read_bytes())
    return found


@functools.cache
def fingerprint(dotted: str) -> str | None:
    """Hash the source without comments, docstrings and indentation; None without a source."""
    file, names = _locate(dotted)
    source = _read(file)
    node: Any = _parse(source)
    for name in names:
        body = getattr(node, "body", ())
        node = next((each for each in body if getattr(each, "name", "") == name), None)
    return _hash(source.splitlines(), node) if source and node else None


@functools.cache
def _quick_fingerprint(dotted: str) -> str | None:
    """
    Hash the definition without parsing the rest of its module.

    None, or a hash that is unknown, where the text alone does not show where it begins and ends.
    """
    file, names = _locate(dotted)
    text = _read(file)
    for name in names:
        text = _definition(text, name)
    # A method is indented, and a string in it may be less so.
    block = f"if True:\n{text}" if text[:1].isspace() else text
    body = getattr(_parse(block), "body", None) or (None,)
    node = body[0] if block is text else getattr(body[0], "body", (None,))[0]
    return _hash(block.splitlines(), node) if node else None


def _definition(text: str, name: str) -> str:
    """Return the least indented definition of ``name`` in ``text``, up to the next statement."""
    found = [start for kind in ("def", "class") for start in _starts(text, f"{kind} {name}")]
    indent, begin, named = min(found, default=("", -1, 0), key=lambda start: len(start[0]))
    if begin < 0:
        return ""
    ends = re.compile(rf"^[ \t]{{0,{len(indent)}}}[^\s#)\]}}]", re.MULTILINE)
    end = ends.search(text, text.find("\n", named) + 1 or len(text))
    return text[begin : end.start() if end else len(text)]


def _starts(text: str, words: str) -> Iterator[tuple[str, int, int]]:
    """Yield the indentation of each line that begins with ``words``, its place and theirs."""
    # A pattern for each name takes longer to compile than the rest takes.
    at = text.find(words)
    while at >= 0:
        begin = text.rfind("\n", 0, at) + 1
        before = text[begin:at].removesuffix("async ")
        after = text[at + len(words) : at + len(words) + 1]
        if not before.strip(" \t") and not (after == "_" or after.isalnum()):
            yield before, begin, at
        at = text.find(words, at + 1)


def _hash(lines: list[str], node: ast.AST) -> str:
    first, last = node.lineno, node.end_lineno  # type: ignore[attr-defined]
    skipped = {line for inner in _statements(node) for line in _docstring_lines(inner)}
    numbered = enumerate(lines[first - 1 : last], first)
    own = [line.strip() for at, line in numbered if at not in skipped]
    kept = [line for line in own if line and not line.startswith("#")]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield ``node`` and all statements in it, without their expressions."""
    yield node
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for inner in getattr(node, name, ()):
            yield from _statements(inner)


def _locate(dotted: str) -> tuple[str | None, list[str]]:
    # Nothing is imported: a model's module can only be while its application is installed, and a
    # package may import much that this process does not need.
    name, *names = dotted.split(".")
    spec = find_spec(name)
    while spec is not None and names and spec.submodule_search_locations is not None:
        name = f"{name}.{names[0]}"
        inner = PathFinder.find_spec(name, list(spec.submodule_search_locations))
        if inner is None:
            break
        spec, names = inner, names[1:]
    return spec.origin if spec else None, names


@functools.lru_cache(maxsize=8)
def _read(file: str | None) -> str:
    # A package may come without its sources.
    try:
        return Path(file).read_text() if file else ""
    except (OSError, ValueError):
        return ""


@functools.lru_cache(maxsize=8)
def _parse(source: str) -> ast.Module | None:
    try:
        return syntax.parse(source)
    except (SyntaxError, ValueError):
        return None


def _docstring_lines(node: ast.AST) -> range:
    match node:
        case (
            ast.ClassDef(body=[ast.Expr(value=ast.Constant(value=str())) as text, *_])
            | ast.FunctionDef(body=[ast.Expr(value=ast.Constant(value=str())) as text, *_])
            | ast.AsyncFunctionDef(body=[ast.Expr(value=ast.Constant(value=str())) as text, *_])
        ):
            return range(text.lineno, (text.end_lineno or text.lineno) + 1)
    return range(0)


def installed_version(dotted: str) -> str:
    """Return the package of a dotted name and its installed version, such as ``asgiref 3.11.0``."""
    package = dotted.partition(".")[0]
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return package


def main(names: Iterable[str] = ()) -> None:
    """Add the installed versions of all that is known, and of ``names``."""
    found = known()
    for dotted in {*found, *names}:
        seen = fingerprint(dotted)
        if seen is not None:
            found.setdefault(dotted, {}).setdefault(
                seen, installed_version(dotted).rpartition(" ")[2]
            )
    FILE.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
