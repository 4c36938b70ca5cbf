"""The files that name a project's packages: a lock file, or requirements."""

import os
import re
import sys
from pathlib import Path

from django_tandem.model import Packaging

# The first that exists is read. A lock file has exact versions.
CANDIDATES: tuple[tuple[str, ...], ...] = (
    ("uv.lock", "pyproject.toml"),
    ("poetry.lock", "pyproject.toml"),
    ("pdm.lock", "pyproject.toml"),
    ("Pipfile.lock", "Pipfile"),
    ("requirements.txt",),
    ("requirements/production.txt",),
    ("pyproject.toml",),
)
# A project in src/ or backend/ may have them above.
LEVELS = 3
_INCLUDED = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", re.MULTILINE)
_PINNED = re.compile(r"(\d+\.\d+)(?:\.\d+)?\s*")


def read_packaging(directory: Path) -> Packaging | None:
    """Return the files of the project in ``directory``; None where there are none of those."""
    for root in (directory, *directory.parents)[:LEVELS]:
        for files in CANDIDATES:
            if all((root / name).is_file() for name in files):
                named = dict.fromkeys((*files, *_included(root, files[0])))
                return Packaging(root=str(root), files=tuple(named), python=_python(root))
        if (root / ".git").exists():
            break
    return None


def _included(root: Path, first: str) -> tuple[str, ...]:
    """Return the files below ``root`` that the requirements ``first`` include, itself too."""
    found = [first]
    for name in found if first.endswith(".txt") else ():
        file = root / name
        for named in _INCLUDED.findall(file.read_text()):
            target = Path(os.path.relpath(file.parent / named, root))
            if (root / target).is_file() and ".." not in target.parts and str(target) not in found:
                found.append(str(target))
    return tuple(found)


def _python(root: Path) -> str:
    """Return the version in .python-version, else that of this interpreter."""
    try:
        pinned = _PINNED.fullmatch((root / ".python-version").read_text())
    except OSError:
        pinned = None
    return pinned[1] if pinned else f"{sys.version_info.major}.{sys.version_info.minor}"
