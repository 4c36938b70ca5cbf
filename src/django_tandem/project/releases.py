"""
Releases behind a symbolic link, such as ``current`` beside ``releases/`` (Capistrano's layout).

All releases of a deployment share one run directory beside the link: what `tandem up` started in
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
