"""
Reloads the stack when the project's files change, for `tandem up --watch`.

Runs beside supervisord, in the project's directory, for as long as its parent does:
``python -m django_tandem.runtime.watcher PARENT_PID RUN_DIR SETTINGS IGNORED...``, where
SETTINGS is what was given by --settings, or empty.
"""

import contextlib
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

from django_tandem.runtime import lock, readiness, supervisord
from django_tandem.runtime.changes import UNWATCHED, Parent, changes, told
from django_tandem.runtime.sources import Sources
from django_tandem.runtime.state import read_state
from django_tandem.runtime.telling import say

# So soon it hears that its parent has ended.
LOOK_S = 0.1
# The one who waits for the new code is the one whose old connections are cut.
DRAIN_S = 1
# A save that never comes up must not hold up the one that mends it.
TIMEOUT_S = 30


def reload(settings: str, parent: Parent) -> int | None:
    """Reload by a fresh interpreter, as a user would; None when ``parent`` ended meanwhile."""
    chosen = ["--settings", settings] if settings else []
    options = ["--drain", str(DRAIN_S), "--timeout", str(TIMEOUT_S), "--terse"]
    started = subprocess.Popen(
        [sys.executable, "-P", "-m", "django_tandem", "reload", *options, *chosen],
        stdin=subprocess.DEVNULL,
        # Ctrl-C ends the stack it speaks to as well: it would have nothing to say but that.
        start_new_session=True,
    )
    # Its own time is for the servers; what hangs while it is planned with has no other bound.
    until = time.monotonic() + 2 * TIMEOUT_S
    try:
        while not parent.is_set() and time.monotonic() < until:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return started.wait(LOOK_S)
        return None if parent.is_set() else 1
    finally:
        started.kill()
        started.wait()


def watch(sources: Sources, run_dir: Path, settings: str, parent: Parent) -> None:
    """Reload for each change until ``parent`` ends; what changes meanwhile makes one more."""
    found = changes(sources, parent)
    first = next(found, [])
    say(f"Watching {sources.directory}: what changes there is reloaded.")
    _wait_until_served(run_dir, parent)
    for changed in filter(None, chain([first], found)):
        while lock.holder(run_dir, lock.RELOAD) is not None and not parent.is_set():
            time.sleep(LOOK_S)
        if parent.is_set():
            return
        say(told(changed))
        if reload(settings, parent) and _is_up(run_dir):
            say("What served before serves on; the next change is tried again.")


def main(argv: list[str]) -> int:
    """Watch the working directory by the arguments that the module names."""
    pid, run_dir, settings, *ignored = argv
    parent = Parent(pid=int(pid))
    sources = Sources(directory=Path.cwd(), ignored=tuple(map(Path, (run_dir, *ignored))))
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        watch(sources, Path(run_dir), settings, parent)
    except KeyboardInterrupt:
        # It came to supervisord too, which says what there is to say.
        return 0
    except UNWATCHED as error:
        say(f"The project is watched no longer, and what serves serves on: {error}")
        say("  Raise fs.inotify.max_user_watches, or set WATCHFILES_FORCE_POLLING=1.")
        return 1
    return 0


def _wait_until_served(run_dir: Path, parent: Parent) -> None:
    state = read_state(run_dir)
    if state is not None:
        for _news in readiness.watch(state, run_dir, lambda: not parent.is_set()):
            pass


def _is_up(run_dir: Path) -> bool:
    # A reload that failed because everything is being stopped has nothing to be tried again.
    try:
        return bool(supervisord.statuses(run_dir))
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
