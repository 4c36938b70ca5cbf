"""Prepares a loaded project for the fork: workers share its memory, and no connection."""

import gc
import logging
import os
import socket
import stat
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.core.cache import caches
from django.db import connections

from django_tandem import environment
from django_tandem.model.peers import bracketed

DESCRIPTORS = Path("/proc/self/fd")
# Values of the environment variable; without it, the loaded project decides.
NEVER, ALWAYS = "0", "1"
# Where the kernel shows an object that processes would share, and what it is.
ANONYMOUS = {
    "anon_inode:[eventpoll]": "an event loop",
    "anon_inode:inotify": "a file watcher",
    "anon_inode:[io_uring]": "an event loop",
}

# Where the modules of the two stacks contradict each other.
ONE_STACK_HINT = (
    ' With TANDEM["SHARED_MASTER"] = False, the WSGI workers would share what they import.'
)

logger = logging.getLogger("django_tandem")


def should_preload() -> bool:
    """Return whether the project is to be loaded before the fork."""
    return os.environ.get(environment.PRELOAD) != NEVER


def prepare_for_fork() -> None:
    """
    Close the connections that the import opened, and keep the memory in use shared.

    So is the garbage of the import: it is little, and the search for it takes a tenth of a second.
    """
    close_connections()
    _ask_abstract_classes()
    if sys.version_info < (3, 12):
        # It holds names that the import has looked up, and a worker that replaces one writes to
        # its page. Later Pythons count no references to names.
        sys._clear_type_cache()
    # A garbage collection writes to each object that it visits, which copies the page.
    gc.freeze()


def _ask_abstract_classes() -> None:
    # Django asks whether a value is a mapping or an iterator. Python asks all classes that derive
    # from those, and remembers the answer for the type until another class is registered, as it
    # is by an import.
    values: tuple[object, ...] = (None, "", b"", 0, (), [], set(), frozenset(), map(str, ()))
    for value in (*values, {}.keys(), {}.items(), iter(str, ""), (each for each in values)):
        for abstract in (Mapping, Iterator, Iterable):
            isinstance(value, abstract)


def close_connections() -> None:
    """Close Django's own connections of this thread: of databases and caches."""
    # A master whose workers load the project must not load its settings.
    if not settings.configured:
        return
    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
    caches.close_all()


def note_own_descriptors() -> None:
    """Note what the server has opened before the project is loaded, such as StatsD's socket."""
    global _before  # noqa: PLW0603 - the descriptors are the process's
    _before = _shared_descriptors()


def is_forkable(obstacle: str = "") -> bool:
    """
    Return whether the workers may be forked from this process, which has loaded the project.

    Without an ``obstacle``, a sentence without its end, look for threads, sockets and event loops:
    a thread does not run in a forked process, and the others would be shared. Log one line if
    there is an obstacle.
    """
    hint = ONE_STACK_HINT if obstacle else ""
    obstacle = obstacle or find_obstacle()
    if not obstacle:
        return True
    if os.environ.get(environment.PRELOAD) == ALWAYS:
        logger.warning('%s. TANDEM["PRELOAD"] is True, so the workers are forked anyway.', obstacle)
        return True
    logger.warning("%s, so each worker loads the project separately.%s", obstacle, hint)
    return False


def find_obstacle(when: str = "it was loaded") -> str:
    """
    Return what the project has left behind that can't be forked, after Django's own connections.

    It is a sentence without its end that says ``when``; empty if there is nothing.
    """
    close_connections()
    _close_loop_of_daphne()
    found = _left_behind()
    if found:
        # Sockets without a reference are closed as they are collected.
        gc.collect()
        found = _left_behind()
    return f"The project {found} when {when}" if found else ""


def _close_loop_of_daphne() -> None:
    """Close the event loop that Daphne makes for its server as it is imported."""
    # Channels recommends it in INSTALLED_APPS, for runserver; no process that is forked runs it.
    loop = getattr(sys.modules.get("daphne.server"), "twisted_loop", None)
    if loop is not None and not loop.is_running():
        loop.close()


def _left_behind() -> str:
    threads = [each for each in threading.enumerate() if each is not threading.main_thread()]
    if threads:
        return f"started {describe_thread(threads[0])}"
    opened = [_kind(each) for each in sorted(_shared_descriptors() - _before)]
    # An event loop has sockets too, and is the cause.
    found = next((each for each in opened if "socket" not in each), next(iter(opened), ""))
    return f"opened {found}" if found else ""


def describe_thread(thread: threading.Thread) -> str:
    """Return the name of the thread, and the module of its code unless that is Python's own."""
    code = getattr(thread, "_target", None) or type(thread)
    module = getattr(code, "__module__", None) or "threading"
    is_pythons = module.partition(".")[0] in sys.stdlib_module_names
    origin = "" if is_pythons else f" of {module}"
    return f'the thread "{thread.name}"{origin}'


def start_without_preloading(program: str, argv: list[str], **variables: str) -> NoReturn:
    """Replace this process, which keeps its pid, by one whose workers load the project."""
    start_again(program, argv, **variables, **{environment.PRELOAD: NEVER})


def start_again(program: str, argv: list[str], **variables: str) -> NoReturn:
    """Replace this process, which keeps its pid, by one that has these variables as well."""
    for descriptor in _shared_descriptors():
        os.set_inheritable(descriptor, False)
    # Without what the project has added to the environment.
    os.execve(program, argv, {**_ENVIRONMENT, **variables})  # noqa: S606


def restart_uwsgi_unless_forkable() -> None:
    """Have uWSGI load the project in each worker, if the loaded project can't be forked."""
    if "uwsgi" in sys.modules and should_preload() and not is_forkable():
        line = Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1]
        command = [os.fsdecode(each) for each in line]
        start_without_preloading(command[0], command, UWSGI_LAZY_APPS="1")


def _shared_descriptors() -> frozenset[int]:
    # Without /proc nothing is known.
    paths = DESCRIPTORS.iterdir() if DESCRIPTORS.exists() else ()
    numbers = [int(path.name) for path in paths]
    # The standard streams may be sockets, and are shared on purpose.
    return frozenset(number for number in numbers if number > 2 and _kind(number))


def _kind(descriptor: int) -> str:
    try:
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return describe_socket(descriptor)
        target = str((DESCRIPTORS / str(descriptor)).readlink())
    except OSError:
        # The one that listed the directory is closed.
        return ""
    return ANONYMOUS.get(target, "")


def describe_socket(descriptor: int) -> str:
    """Return the peer of a connected socket, or the address that it is bound to."""
    with socket.socket(fileno=os.dup(descriptor)) as duplicate:
        try:
            peer = _address(duplicate.getpeername())
        except OSError:
            bound = _address(duplicate.getsockname())
            return f"a socket bound to {bound}" if bound else "a socket"
    return f"a socket connected to {peer}" if peer else "a socket"


def _address(name: object) -> str:
    match name:
        case (str(host), int(port), *_):
            return f"{bracketed(host)}:{port}"
        case str():
            return name
    return ""


# This module is imported before the project.
_before = _shared_descriptors()
_ENVIRONMENT = dict(os.environ)
