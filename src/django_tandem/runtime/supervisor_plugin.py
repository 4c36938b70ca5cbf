"""
What supervisord loads: it runs inside supervisord's own process.

supervisord.conf names it as an RPC interface, supervisor's own way to be extended.
"""

import atexit
import contextlib
import os
import signal
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.states import SupervisorStates

from django_tandem.errors import MachineError
from django_tandem.runtime import lock

# What a process that has ended is seen by: on its own, before its time, as it was told to.
ENDED = (
    events.ProcessStateExitedEvent,
    events.ProcessStateBackoffEvent,
    events.ProcessStateStoppedEvent,
)

# The program that can't be kept up, and why: in its shutdown supervisord itself tells no more.
FAILED = "failed"

# What a stop leaves behind, and nothing of anybody else's.
OURS = (
    *("wsgi.sock", "wsgi-*.sock", "asgi.sock", "asgi-*.sock", "valkey.sock"),
    *("supervisor.sock", "supervisor.sock.*", "supervisord.pid", "nginx.pid", "handovers.*"),
)

# Stopped last, by supervisord's own order: the others still speak to it while they stop.
STOPS_LAST = "valkey"


def make_plugin(supervisord: Any, links: str = "") -> "Plugin":
    """Return the plugin; ``links`` are ``name:target`` pairs of sockets, split by blanks."""
    # The run directory is where supervisord.conf lies.
    run_dir = Path(supervisord.options.here)
    return Plugin(supervisord, run_dir, dict(pair.split(":") for pair in links.split()))


class Plugin:
    """The life of one running stack, as far as supervisord can't tell it on its own."""

    def __init__(self, supervisord: Any, run_dir: Path, links: dict[str, str]) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        self._unfinished: dict[str, bytes] = {}
        # Whoever may enter could put sockets of theirs in the place of ours.
        run_dir.chmod(0o700)
        self._lock = _hold_lock(run_dir)
        for name, target in links.items():
            link(run_dir / name, target)
        events.subscribe(events.ProcessLogEvent, self._echo)
        events.subscribe(events.ProcessStateEvent, self._tell)
        for ended in ENDED:
            events.subscribe(ended, self._bury)
        events.subscribe(events.ProcessStateFatalEvent, self._give_up)
        events.subscribe(events.SupervisorRunningEvent, self._take_signals)
        events.subscribe(events.SupervisorStoppingEvent, self._stop_at_once)
        atexit.register(clean, run_dir)
        # Where supervisord itself fails, nobody else would ever stop what it started.
        atexit.register(self._kill_all)

    def _echo(self, event: Any) -> None:
        name = event.process.config.name
        *lines, rest = (self._unfinished.get(name, b"") + _bytes(event.data)).split(b"\n")
        self._unfinished[name] = rest
        _print(name, lines)

    def _tell(self, event: Any) -> None:
        name = event.process.config.name
        if isinstance(event, events.ProcessStateExitedEvent) and not event.expected:
            _print("tandem", [f"{name} died, {_how(event.process)}; it is started again".encode()])
        elif isinstance(event, events.ProcessStateBackoffEvent):
            _print("tandem", [f"{name} failed: {_why(event.process)}".encode()])

    def _bury(self, event: Any) -> None:
        # The workers of an NGINX that was killed would keep its port, and nobody would ever stop
        # them. Each program leads a process group of its own, and has no pid if it never started.
        if event.process.pid:
            with contextlib.suppress(OSError):
                os.killpg(event.process.pid, signal.SIGKILL)
        # Granian, for one, does not start where it finds a socket.
        (self._run_dir / f"{event.process.config.name}.sock").unlink(missing_ok=True)

    def _give_up(self, event: Any) -> None:
        name = event.process.config.name
        (self._run_dir / FAILED).write_text(f"{name}\n{_why(event.process)}")
        _print("tandem", [f"{name} can't be kept up: everything is stopped".encode()])
        # supervisord itself always ends with 0. Registered last and so run first, but for
        # what must still be removed.
        atexit.register(_exit_with_failure, self._run_dir)
        self._shut_down()

    def _take_signals(self, _event: Any) -> None:
        # supervisord would start over on SIGHUP, which is what a terminal sends when it closes.
        signal.signal(signal.SIGHUP, self._shut_down)

    def _shut_down(self, *_signal: Any) -> None:
        self._supervisord.options.mood = SupervisorStates.SHUTDOWN

    def _kill_all(self, *_signal: Any) -> None:
        for group in self._supervisord.process_groups.values():
            for process in group.processes.values():
                if process.pid:
                    with contextlib.suppress(OSError):
                        os.killpg(process.pid, signal.SIGKILL)

    def _stop_at_once(self, _event: Any) -> None:
        _print("tandem", [b"stopping: what is being answered is finished; once more ends it now"])
        for again in (signal.SIGINT, signal.SIGTERM):
            signal.signal(again, self._kill_all)
        # On its own supervisord stops one program after the other, and the waits add up.
        for name, group in self._supervisord.process_groups.items():
            if name != STOPS_LAST:
                group.stop_all()


def link(path: Path, target: str) -> None:
    """Point the symlink ``path`` at ``target`` in one step, so that no connection finds none."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)


def clean(run_dir: Path) -> None:
    """Remove the sockets, their links and the pid files that a stop leaves behind."""
    # Not Path.glob(), which overlooks a link whose target is gone.
    for name in os.listdir(run_dir):  # noqa: PTH208
        if any(fnmatch(name, pattern) for pattern in OURS):
            (run_dir / name).unlink(missing_ok=True)


def _exit_with_failure(run_dir: Path) -> None:
    clean(run_dir)
    sys.stdout.flush()
    os._exit(1)


def _hold_lock(run_dir: Path) -> int:
    """Take over the lock from `tandem up`, or take it where plain supervisord was started."""
    handle = lock.inherited(run_dir)
    try:
        handle = lock.take(run_dir) if handle is None else handle
    except MachineError as error:
        _print("tandem", [str(error).encode()])
        os._exit(error.exit_code)
    lock.sign(handle)
    return handle


def _how(process: Any) -> str:
    status = process.exitstatus
    return "killed by a signal" if status in (None, -1) else f"exit code {status}"


def _why(process: Any) -> str:
    # Its words for a program that could be run at all; the exit code is in its log.
    error = str(process.spawnerr or "")
    return "it does not stay up" if error.startswith("Exited too quickly") else error


def _bytes(data: str | bytes) -> bytes:
    return data.encode(errors="replace") if isinstance(data, str) else data


def _print(name: str, lines: list[bytes]) -> None:
    text = b"".join(b"%-10s | %s\n" % (name.encode(), line) for line in lines)
    # Not print(): supervisord's logger shares the descriptor, and each line must stay whole.
    # A terminal that went away is no reason to take the servers down with it.
    with contextlib.suppress(OSError):
        os.write(1, text)
