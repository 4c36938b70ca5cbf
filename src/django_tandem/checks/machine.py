"""Checks of this machine: what `tandem up` refuses to start without, and what a user may write."""

import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name
from django.db import connections

from django_tandem import environment
from django_tandem.checks.facts import Facts, Unwritable
from django_tandem.errors import MachineError
from django_tandem.model import Plan
from django_tandem.project.deployment import sqlite_file
from django_tandem.runtime import accounts, lock, preflight, run_dir
from django_tandem.runtime.state import read_state
from django_tandem.settings import Settings


def machine_has_all(facts: Facts) -> Iterator[CheckMessage]:
    """Find what is missing for the plan: packages, files, programs, addresses."""
    for error in facts.missing:
        yield Error(error.message, hint=error.hint, obj="TANDEM", id="tandem.E012")


def nginx_accepts_the_edge(facts: Facts) -> Iterator[CheckMessage]:
    """Find a configuration that NGINX rejects, such as for a directive of INCLUDE."""
    if facts.nginx_errors:
        yield Error(
            "NGINX rejects the rendered nginx.conf.",
            hint=facts.nginx_errors,
            obj="TANDEM",
            id="tandem.E013",
        )


def read_missing(plan: Plan, settings: Settings) -> Iterator[MachineError]:
    """Yield what is missing on this machine to start ``plan``, and start nothing."""
    directory = Path(plan.run_dir)
    listening: tuple[str, ...] = ()
    # `tandem up` would make one before it gives up root, or pass another one on.
    is_made = environment.STARTED_BY_ROOT in os.environ and not directory.exists()
    if not is_made and environment.GETS_RUN_DIR not in os.environ:
        try:
            run_dir.require_usable(directory)
            # A stack that runs here listens on its own addresses.
            state = read_state(directory) if lock.holder(directory) is not None else None
            listening = (*state.binds, *state.health, *state.metrics) if state else ()
        except MachineError as error:
            yield error
    yield from preflight.find_missing(plan, settings, listening)


def database_is_writable(facts: Facts) -> Iterator[CheckMessage]:
    """Find SQLite databases in which the servers could not write."""
    for each in facts.unwritable:
        if each.alias:
            yield Error(
                f'DATABASES["{each.alias}"] is the SQLite database "{each.path}", and user '
                f"{each.user} can't write to {'it' if each.is_file else 'its directory'}.",
                hint=f"Give both the file and its directory, where SQLite keeps its journal, to "
                f"{each.user}.",
                obj="DATABASES",
                id="tandem.E014",
            )


def media_root_is_writable(facts: Facts) -> Iterator[CheckMessage]:
    """Find a MEDIA_ROOT in which the servers could not save an upload."""
    for each in facts.unwritable:
        if not each.alias:
            yield Warning(
                f'MEDIA_ROOT is "{each.path}", and user {each.user} can\'t write to it.',
                hint=f"Give it to {each.user}, unless the project saves no files.",
                obj="MEDIA_ROOT",
                id="tandem.W017",
            )


def read_unwritable(directory: str) -> Iterator[Unwritable]:
    """Yield what this user can't write to; relative paths are relative to ``directory``."""
    user = accounts.own().name
    for alias, database in connections.settings.items():
        if file := sqlite_file(database):
            path = Path(directory, file)
            if _is_refused(path):
                yield Unwritable(path=str(path), user=user, alias=alias)
            elif _is_refused(path.parent):
                yield Unwritable(path=str(path), user=user, alias=alias, is_file=False)
    media_root = django_settings.MEDIA_ROOT
    if media_root and _is_refused(path := Path(directory, media_root)):
        yield Unwritable(path=str(path), user=user)


def _is_refused(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:
        # In a directory that this user can't enter.
        return True
    except OSError:
        return False
    # A file system that is mounted read-only is so on purpose.
    return not os.access(path, os.W_OK) and not os.statvfs(path).f_flag & os.ST_RDONLY
