"""A stack that systemd runs; a socket of the tests takes systemd's part."""

import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest

from django_tandem.runtime.state import read_state
from harness.projects import SMALL, without_apps
from harness.stack import DEADLINE_S, Up, tandem

# In microseconds.
WATCHDOG_USEC = 200_000


class Systemd:
    """systemd's end of a unit's socket, which it reads at once."""

    def __init__(self, name: str) -> None:
        # A name in the abstract namespace, where systemd writes "@" for the zero byte.
        self.name = f"tandem-test-{os.getpid()}-{name}"
        self.senders: set[int] = set()
        self._messages: queue.Queue[dict[str, str]] = queue.Queue()
        self._signs_of_life: queue.Queue[float] = queue.Queue()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(f"\0{self.name}")
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": f"@{self.name}", "WATCHDOG_USEC": str(WATCHDOG_USEC)}

    def next(self) -> dict[str, str]:
        """Return the next message that is not the watchdog's, by its names."""
        return self._messages.get(timeout=DEADLINE_S)

    def wait_for_life(self) -> float:
        """Return when the next message for the watchdog came, by the monotonic clock."""
        while not self._signs_of_life.empty():
            self._signs_of_life.get()
        return self._signs_of_life.get(timeout=DEADLINE_S)

    def _read(self) -> None:
        while True:
            data, ancillary, *_ = self._socket.recvmsg(4096, socket.CMSG_SPACE(12))
            ((_level, _kind, credentials),) = ancillary
            self.senders.add(int.from_bytes(credentials[:4], "little"))
            found = dict(line.split("=", 1) for line in data.decode().splitlines())
            if "WATCHDOG" in found:
                self._signs_of_life.put(time.monotonic())
            else:
                self._messages.put(found)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A stack, and the socket that it notifies; ``started`` are the messages of its start."""

    up: Up
    systemd: Systemd
    started: list[dict[str, str]]

    @property
    def live(self) -> str:
        """What the status says of the live generation."""
        state = read_state(self.up.run_dir)
        return f"Generation {state.generation} is live: WSGI at {self.up.url}/"

    def reload(self) -> tuple[int, dict[str, str], dict[str, str]]:
        """Reload; return the exit code, and the messages at the beginning and at the end."""
        done = tandem(self.up.directory, "reload")
        return done.returncode, self.systemd.next(), self.systemd.next()


@pytest.fixture(scope="module")
def unit(tmp_path_factory) -> Iterator[Unit]:
    project = without_apps(tmp_path_factory.mktemp("unit"), **SMALL, DRAIN_S=1)
    systemd = Systemd(project.name)
    with Up(project, environment=systemd.environment) as up:
        yield Unit(up=up, systemd=systemd, started=[systemd.next(), systemd.next()])


def test_the_unit_is_ready_when_the_stack_is(unit) -> None:
    """Not when supervisord runs; the status has the generation and the address."""
    live = f"Generation 1 is live: WSGI at {unit.up.url}/"

    assert unit.started == [{"STATUS": "Starting"}, {"READY": "1", "STATUS": live}]


def test_a_reload_is_reported_from_its_beginning_to_its_end(unit) -> None:
    """As `systemctl reload` runs it, or a person in a shell without systemd's variables."""
    before = unit.live

    code, began, ended = unit.reload()

    assert code == 0
    assert began.pop("MONOTONIC_USEC").isdecimal()
    assert began == {"RELOADING": "1", "STATUS": f"{before}; a reload is in progress"}
    assert ended == {"READY": "1", "STATUS": unit.live}
    assert unit.live != before


def test_a_refused_reload_ends_too(unit) -> None:
    """The command fails, and so does `systemctl reload`; the unit stays active."""
    urls = unit.up.directory / "mysite" / "urls.py"
    good = urls.read_text()
    urls.write_text("import nothing_of_that_name\n")
    try:
        code, began, ended = unit.reload()
    finally:
        urls.write_text(good)

    assert (code, began["RELOADING"]) == (2, "1")
    assert ended == {"READY": "1", "STATUS": f"{unit.live}; the last reload was refused"}


def test_the_watchdog_is_fed_while_supervisords_loop_runs(unit) -> None:
    """Idle, the loop would wait for a second; half of WatchdogSec is less."""
    came_at = [unit.systemd.wait_for_life() for _ in range(4)]

    # The shortest, for another program may have had the CPU.
    assert min(later - at for at, later in pairwise(came_at)) < 0.5


def test_a_stop_is_reported_by_the_main_process_alone(unit) -> None:
    """As all else, so that NotifyAccess=main is enough. The last of all: nothing runs then."""
    unit.up.process.send_signal(signal.SIGTERM)

    assert unit.systemd.next() == {"STOPPING": "1", "STATUS": "Stopping, within 8 s"}
    assert unit.up.wait() == 0
    assert unit.systemd.senders == {unit.up.process.pid}
