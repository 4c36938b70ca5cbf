"""What supervisord's stdout shows: each line with its program's name, and who died or failed."""

import contextlib
import os
from typing import Any

from supervisor import events

from django_tandem.runtime.supervisor.guard import subscribe


class Lines:
    """The lines of all programs, each printed when it is whole."""

    def __init__(self) -> None:
        self._unfinished: dict[str, bytes] = {}
        subscribe(events.ProcessLogEvent, self._echo)
        subscribe(events.ProcessStateEvent, self._tell_state)

    def _echo(self, event: Any) -> None:
        name = event.process.config.name
        *lines, rest = (self._unfinished.get(name, b"") + _bytes(event.data)).split(b"\n")
        self._unfinished[name] = rest
        _print(name, lines)

    def _tell_state(self, event: Any) -> None:
        name = event.process.config.name
        if isinstance(event, events.ProcessStateExitedEvent) and not event.expected:
            tell(f"{name} died, {_how(event.process)}; it is started again")
        elif isinstance(event, events.ProcessStateBackoffEvent):
            tell(f"{name} failed: {why(event.process)}")


def tell(text: str) -> None:
    """Print a line of our own, as those of the programs."""
    _print("tandem", [text.encode()])


def why(process: Any) -> str:
    """Return why supervisord could not start a process."""
    # Its words for a program that could be run at all; the exit code is in its log.
    error = str(process.spawnerr or "")
    return "it does not stay up" if error.startswith("Exited too quickly") else error


def _how(process: Any) -> str:
    status = process.exitstatus
    return "killed by a signal" if status in (None, -1) else f"exit code {status}"


def _bytes(data: str | bytes) -> bytes:
    return data.encode(errors="replace") if isinstance(data, str) else data


def _print(name: str, lines: list[bytes]) -> None:
    text = b"".join(b"%-10s | %s\n" % (name.encode(), line) for line in lines)
    # Not print(): supervisord's logger shares the descriptor, and each line must stay whole.
    # A terminal that went away is no reason to take the servers down with it.
    with contextlib.suppress(OSError):
        os.write(1, text)
