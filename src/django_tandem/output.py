"""Write rendered files to a directory, atomically, or compare them with it."""

import difflib
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from django_tandem import environment
from django_tandem.atomic_files import remove_abandoned, replace_file
from django_tandem.model import File


def write(files: Iterable[File], directory: Path) -> list[str]:
    """Write each file that differs into ``directory``, whole or not at all; return the names."""
    changed = [file for file in files if _is_written(file, directory)]
    for file in changed:
        _replace(directory / file.name, file)
    return [file.name for file in changed]


def diff(files: Iterable[File], directory: Path) -> str:
    """
    Return the changes that ``write`` would make, as a unified diff; empty for none.

    A secret that the hosts share is shown by its digest.
    """
    return "".join(
        line
        for file in files
        if _is_written(file, directory)
        for line in difflib.unified_diff(
            _without_secrets(_content(directory / file.name) or "").splitlines(keepends=True),
            _without_secrets(file.content).splitlines(keepends=True),
            fromfile=str(directory / file.name),
            tofile=f"{file.name} rendered from the project",
        )
    )


def differs_where_kept(file: File, directory: Path) -> bool:
    """Return whether ``directory`` keeps another content of ``file``, one that is kept."""
    return file.is_kept and _content(directory / file.name) not in (None, file.content)


# As nginx.conf, supervisord.conf and state.json have it.
_SECRETS = re.compile(rf'(X-Tandem-Secret "?|{environment.PEER_SECRET}"?[=,]\s*")([^";\n]{{32,}})')


def _without_secrets(text: str) -> str:
    def digest(found: re.Match[str]) -> str:
        return f"{found[1]}sha256:{hashlib.sha256(found[2].encode()).hexdigest()[:8]}"

    return _SECRETS.sub(digest, text)


def _is_written(file: File, directory: Path) -> bool:
    found = _content(directory / file.name)
    return found is None if file.is_kept else found != file.content


def _content(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _replace(path: Path, file: File) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(path.parent)
    replace_file(path, file.content, mode=file.mode, is_durable=True)
