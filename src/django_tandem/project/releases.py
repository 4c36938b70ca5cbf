"""
Releases behind a symbolic link, such as ``current`` next to ``releases/`` (Capistrano's layout).

All releases of a deployment share one run directory next to the link: what `tandem up` started in
one release, `tandem reload` finds from the next one, and the old release can be deleted.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from django_tandem.model import Release

# By this layout's convention, a release is known even if the link does not lead to it.
RELEASES, CURRENT = "releases", "current"
# manage.py may lie in a directory of the release, such as backend/ or src/site/.
LEVELS = 3


def find_link(project_directory: Path) -> Path | None:
    """Return the link of the deployment that ``project_directory`` is a release of, if any."""
    found = find_release(project_directory)
    return Path(found.link) if found else None


def find_release(project_directory: Path) -> Release | None:
    """Return the release that ``project_directory`` is, or is in, if any."""
    project = project_directory.resolve()
    for release in (project, *project.parents)[:LEVELS]:
        for link in _links(release):
            if _is_ours(link, project):
                return Release(link=str(link), directory=str(release))
    return None


def live_directory(directory: Path, logical: str) -> Path:
    """
    Return the directory of the live release in place of ``directory``, the kernel's.

    ``logical`` is the shell's PWD. A shell that entered it by a link stays in the release that the
    link led to then.
    """
    found = Path(logical)
    if not (logical and found.is_absolute() and found.is_dir()) or found.samefile(directory):
        return directory
    old, new = find_release(directory), find_release(found)
    is_next = old is not None and new is not None and old.link == new.link
    return found if is_next else directory


def own_python(project_directory: Path, python: Path) -> Path | None:
    """
    Return the interpreter of this release where ``python`` is that of another one.

    It is at the same path in its release, as in the same deployment's virtual environments.
    """
    release = find_release(project_directory)
    if release is None:
        return None
    own = Path(release.directory)
    if not python.is_relative_to(own.parent) or python.is_relative_to(own):
        return None
    found = Path(own, *python.relative_to(own.parent).parts[1:])
    # One that all releases share by a link is that of the other release again.
    is_own = found.parent.resolve().is_relative_to(own)
    return found if is_own and os.access(found, os.X_OK) else None


def _links(release: Path) -> Iterator[Path]:
    current = release.parent.parent / CURRENT
    if release.parent.name == RELEASES and current.is_symlink():
        # Also for a release that is not live yet, or no longer.
        yield current
    for link in _links_in(release.parent.parent):
        if link.resolve() == release:
            yield link
    for link in _links_in(release.parent):
        is_named_so = link.name == CURRENT or release.name.startswith(link.name)
        if is_named_so and link.resolve() == release:
            yield link


def _links_in(directory: Path) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_symlink())
    except OSError:
        return []


def _is_ours(link: Path, project: Path) -> bool:
    # In a directory such as /tmp, anybody may make a link.
    return link.lstat().st_uid in {0, os.geteuid(), project.stat().st_uid}
