"""Checks of the files that the project writes, for the user that its servers run as."""

import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name
from django.db import connections

from django_tandem.checks.facts import Facts, Unwritable
from django_tandem.runtime import accounts

SQLITE = {"sqlite3", "spatialite"}


def database_is_writable(facts: Facts) -> list[CheckMessage]:
    """Find SQLite databases in which the servers could not write."""
    return [
        Error(
            f'DATABASES["{each.alias}"] is the SQLite database "{each.path}", and user '
            f"{each.user} can't write to {'it' if each.is_file else 'its directory'}.",
            hint=f"Give both the file and its directory, where SQLite keeps its journal, to "
            f"{each.user}.",
            obj="DATABASES",
            id="tandem.E014",
        )
        for each in facts.unwritable
        if each.alias
    ]


def media_root_is_writable(facts: Facts) -> list[CheckMessage]:
    """Find a MEDIA_ROOT in which the servers could not save an upload."""
    return [
        Warning(
            f'MEDIA_ROOT is "{each.path}", and user {each.user} can\'t write to it.',
            hint=f"Give it to {each.user}, unless the project saves no files.",
            obj="MEDIA_ROOT",
            id="tandem.W017",
        )
        for each in facts.unwritable
        if not each.alias
    ]


def read_unwritable(directory: str) -> Iterator[Unwritable]:
    """Yield what this user can't write to; relative paths are relative to ``directory``."""
    user = accounts.own().name
    for alias, database in connections.settings.items():
        name = str(database["NAME"])
        # A URI says itself whether the database is only read.
        is_file = bool(name) and not name.startswith((":memory:", "file:"))
        if database["ENGINE"].rpartition(".")[2] in SQLITE and is_file:
            path = Path(directory, name)
            if _is_refused(path):
                yield Unwritable(path=str(path), user=user, alias=alias)
            elif _is_refused(path.parent):
                yield Unwritable(path=str(path), user=user, alias=alias, is_file=False)
    media_root = django_settings.MEDIA_ROOT
    if media_root and _is_refused(path := Path(directory, media_root)):
        yield Unwritable(path=str(path), user=user)


def _is_refused(path: Path) -> bool:
    # A file system that is mounted read-only is so on purpose.
    return (
        path.exists()
        and not os.access(path, os.W_OK)
        and not os.statvfs(path).f_flag & os.ST_RDONLY
    )
