"""Prepares a loaded project for the fork: workers share its memory, and no connection."""

import gc
import logging
import os
import stat
import sys
import threading
from pathlib import Path
from typing import NoReturn

from django.core.cache import caches
from django.db import connections

from django_tandem import environment

DESCRIPTORS = Path("/proc/self/fd")

logger = logging.getLogger("django_tandem")


def prepare_for_fork() -> None:
    """Close the connections that the import opened, and keep the memory in use shared."""
    close_connections()
    gc.collect()
    # A garbage collection writes to each object that it visits, which copies the page.
    gc.freeze()


def close_connections() -> None:
    """Close Django's own connections of this thread: of databases and caches."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
    caches.close_all()


def is_forkable() -> bool:
    """
    Return whether a worker could use the project that this process has loaded; log why not.

    A thread does not run in a forked process, and a socket or an event loop would be shared.
    """
    threads = [each.name for each in threading.enumerate() if each is not threading.main_thread()]
    close_connections()
    gc.collect()
    opened = _shared_descriptors() - _BEFORE
    if threads:
        cause = f'started the thread "{threads[0]}"'
    elif opened:
        cause = f"opened {_kind(min(opened))}"
    else:
        return True
    logger.warning(
        "The project %s when it was loaded, so each WSGI worker loads it by itself.", cause
    )
    return False


def start_without_preloading(program: str, argv: list[str]) -> NoReturn:
    """Replace this process, which keeps its pid, by one whose workers load the project."""
    os.environ[environment.PRELOAD] = "0"
    for descriptor in _shared_descriptors():
        os.set_inheritable(descriptor, False)
    os.execv(program, argv)  # noqa: S606


def restart_uwsgi_unless_forkable() -> None:
    """Have uWSGI load the project in each worker, if the loaded project can't be forked."""
    if "uwsgi" in sys.modules and os.environ.get(environment.PRELOAD) != "0" and not is_forkable():
        os.environ["UWSGI_LAZY_APPS"] = "1"
        command = Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1]
        start_without_preloading(command[0].decode(), [os.fsdecode(each) for each in command])


def _shared_descriptors() -> frozenset[int]:
    # Without /proc nothing is known.
    paths = DESCRIPTORS.iterdir() if DESCRIPTORS.exists() else ()
    numbers = [int(path.name) for path in paths]
    # The standard streams may be sockets, and are shared on purpose.
    return frozenset(number for number in numbers if number > 2 and _kind(number))


def _kind(descriptor: int) -> str:
    try:
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return "a socket"
        target = str((DESCRIPTORS / str(descriptor)).readlink())
    except OSError:
        # The one by which the directory was listed is closed.
        return ""
    return "an event loop" if target == "anon_inode:[eventpoll]" else ""


# This module is imported before the project.
_BEFORE = _shared_descriptors()
