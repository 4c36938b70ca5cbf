"""
Whether the private code of other packages that we rely on still reads as when it was read.

Projects pin Django, asgiref, Channels and the servers themselves, so none of them has an upper
bound here. What is patched or called behind their public interface has a fingerprint in
fingerprints.json for each version that was read; where the installed one differs, the caller
leaves the package as it is. `python -m django_tandem.fingerprints NAME …` adds the installed
versions: read the change first.
"""

import ast
import functools
import hashlib
import importlib.metadata
import json
import logging
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_suffix(".json")

# By dotted name: each fingerprint, with the version that it was first seen in.
Fingerprints = dict[str, dict[str, str]]

logger = logging.getLogger("django_tandem")


def is_known(dotted: str) -> bool:
    """Return whether the function, method or class reads as in a version that was read."""
    return fingerprint(dotted) in known().get(dotted, ())


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
    source, node = _parse(file) if file else ("", None)
    for name in names:
        body = getattr(node, "body", ())
        node = next((each for each in body if getattr(each, "name", "") == name), None)
    if node is None:
        return None
    skipped = {line for inner in ast.walk(node) for line in _docstring_lines(inner)}
    lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
    own = [line.strip() for at, line in enumerate(lines, node.lineno) if at not in skipped]
    kept = [line for line in own if line and not line.startswith("#")]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]


def _locate(dotted: str) -> tuple[str | None, list[str]]:
    # Not imported: a model's module can only be while its application is installed.
    parts = dotted.split(".")
    for count in range(len(parts) - 1, 0, -1):
        try:
            spec = find_spec(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        if spec is not None:
            return spec.origin, parts[count:]
    return None, []


@functools.lru_cache(maxsize=8)
def _parse(file: str) -> tuple[str, Any]:
    # A package may come without its sources.
    try:
        source = Path(file).read_text()
        return source, ast.parse(source)
    except (OSError, SyntaxError, ValueError):
        return "", None


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
