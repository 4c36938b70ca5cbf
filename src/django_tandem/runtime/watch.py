"""
Reload the stack when the project's files change, for `tandem up --watch`.

Runs in addition to supervisord, in the project's directory, for as long as its parent does:
``python -m django_tandem.runtime.watch PARENT_PID RUN_DIR SETTINGS IGNORED...``, where
SETTINGS is the value of --settings, or empty.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import watchfiles
from watchfiles._rust_notify import WatchfilesRustInternalError

from django_tandem.runtime import health_gate, lock, supervisord
from django_tandem.runtime.state import read_state
from django_tandem.runtime.waiting import report

# Code, templates, translations, and files that settings are commonly read from.
CODE = (".py", ".html", ".jinja", ".jinja2", ".j2", ".mo", ".graphql")
SETTINGS = (".env", ".toml", ".yaml", ".yml", ".ini", ".cfg")
SUFFIXES = frozenset({*CODE, *SETTINGS})
# Below these Django finds a template by any name.
TEMPLATES = frozenset({"templates", "jinja2"})
NEVER = frozenset({"__pycache__", "node_modules", "site-packages"})
# What editors and linters put next to an open file.
TEMPORARY = ("flycheck_", "flymake_")

# Saves within this time of each other are one change: an editor runs its formatter, say.
QUIET_MS = 200
LONGEST_MS = 2000
# How many files are named in one line.
NAMED = 3
# Raised for files that can't be watched: the kernel limits the watches of one user.
UNWATCHED = (OSError, WatchfilesRustInternalError)

# How soon the watcher notices that its parent has ended.
POLL_S = 0.1
# The developer who waits for the new code is also the client of the old connections.
DRAIN_S = 1
# A save that never becomes healthy must not delay the one that fixes it.
TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The files below ``directory``, but for those below the ``ignored`` paths; all absolute."""

    directory: Path
    ignored: tuple[Path, ...] = ()

    def has(self, path: Path) -> bool:
        """Return whether a change of ``path`` may change what is served."""
        if any(path.is_relative_to(each) for each in self.ignored if self._is_below(each)):
            return False
        *above, name = path.relative_to(self.directory).parts or ("",)
        # A hidden directory holds a tool's own files, and a hidden file an editor's.
        if any(part in NEVER or part.startswith(".") for part in above):
            return False
        if name.startswith(".") or name.startswith(TEMPORARY) or name.endswith("~"):
            return name == ".env" or name.startswith(".env.")
        return path.suffix in SUFFIXES or (bool(path.suffix) and not TEMPLATES.isdisjoint(above))

    def _is_below(self, path: Path) -> bool:
        # A MEDIA_ROOT that is the project itself, or above it, would ignore all of the code.
        return path != self.directory and path.is_relative_to(self.directory)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentProcess:
    """The supervisord whose stack this process watches."""

    pid: int

    def is_set(self) -> bool:
        """Return whether it has ended, as a threading.Event would."""
        return os.getppid() != self.pid


def wait_for_change(directory: Path, *, since: float) -> None:
    """Return when a file of the project in ``directory`` has changed ``since`` that Unix time."""
    sources = Sources(directory=directory, ignored=(Path(sys.prefix),))
    found = changes(sources, threading.Event())
    # It may have been saved before the watch began.
    if not next(found, []) and not _is_newer(sources, since):
        next(filter(None, found), None)


def _is_newer(sources: Sources, since: float) -> bool:
    for above, directories, files in os.walk(sources.directory):
        directories[:] = [name for name in directories if sources.has(Path(above, name, "x.py"))]
        for path in (Path(above, name) for name in files):
            with contextlib.suppress(OSError):
                if sources.has(path) and path.stat().st_mtime > since:
                    return True
    return False


def changes(sources: Sources, parent: ParentProcess | threading.Event) -> Iterator[list[Path]]:
    """
    Yield the files that changed, relative to the project, until ``parent`` ends.

    An empty list when nothing changed for a while, and as soon as the watch begins.
    """
    found = watchfiles.watch(
        sources.directory,
        watch_filter=lambda _change, path: sources.has(Path(path)),
        debounce=LONGEST_MS,
        step=QUIET_MS,
        rust_timeout=QUIET_MS,
        yield_on_timeout=True,
        stop_event=parent,
    )
    for batch in found:
        yield sorted({Path(path).relative_to(sources.directory) for _change, path in batch})


def format_changes(changed: list[Path]) -> str:
    """Name the files that changed, in one line."""
    named = ", ".join(map(str, changed[:NAMED]))
    more = len(changed) - NAMED
    return f"changed: {named}{f' and {more} more' if more > 0 else ''}; reloading"


def watch(sources: Sources, run_dir: Path, settings: str, parent: ParentProcess) -> None:
    """Reload for each change until ``parent`` ends; changes during a reload make one more."""
    found = changes(sources, parent)
    first = next(found, [])
    report(f"Watching {sources.directory}: a change reloads the stack.")
    _wait_until_started(run_dir, parent)
    for changed in filter(None, chain([first], found)):
        while lock.holder(run_dir, lock.RELOAD) is not None and not parent.is_set():
            time.sleep(POLL_S)
        if parent.is_set():
            return
        report(format_changes(changed))
        if reload(settings, run_dir, parent) and (generation := _live_generation(run_dir)):
            report(f"Generation {generation} keeps serving. The next change reloads again.")


def reload(settings: str, run_dir: Path, parent: ParentProcess) -> int | None:
    """Reload in a fresh interpreter, as a user would; None when ``parent`` has ended."""
    chosen = ["--settings", settings] if settings else []
    options = ["--drain", str(DRAIN_S), "--timeout", str(TIMEOUT_S), "--terse"]
    options += ["--run-dir", str(run_dir)]
    started = subprocess.Popen(
        [sys.executable, "-P", "-m", "django_tandem", "reload", *options, *chosen],
        stdin=subprocess.DEVNULL,
        # Ctrl-C stops the stack as well: an interrupted reload would report only that.
        start_new_session=True,
    )
    # --timeout bounds the servers only, not the import of a project that hangs.
    until = time.monotonic() + 2 * TIMEOUT_S
    try:
        while not parent.is_set() and time.monotonic() < until:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return started.wait(POLL_S)
        return None if parent.is_set() else 1
    finally:
        started.kill()
        started.wait()


def main(argv: list[str]) -> int:
    """Watch the working directory; the arguments are in the module's docstring."""
    pid, run_dir, settings, *ignored = argv
    parent = ParentProcess(pid=int(pid))
    sources = Sources(directory=Path.cwd(), ignored=tuple(map(Path, (run_dir, *ignored))))
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        watch(sources, Path(run_dir), settings, parent)
    except KeyboardInterrupt:
        # supervisord got the signal too, and reports the stop.
        return 0
    except UNWATCHED as error:
        report(f"The project is no longer watched; the stack keeps serving: {error}")
        report("  Raise fs.inotify.max_user_watches, or set WATCHFILES_FORCE_POLLING=1.")
        return 1
    return 0


def _wait_until_started(run_dir: Path, parent: ParentProcess) -> None:
    state = read_state(run_dir)
    if state is not None:
        for _result in health_gate.wait_for_start(state, run_dir, lambda: not parent.is_set()):
            pass


def _live_generation(run_dir: Path) -> int | None:
    # A reload that failed because the stack is being stopped is not worth a line.
    try:
        state = read_state(run_dir) if supervisord.statuses(run_dir) else None
    except OSError:
        return None
    return state.generation if state else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
