"""A stack that systemd runs; a socket of the tests takes systemd's part."""

import os
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from harness.projects import startproject
from harness.stack import DEADLINE_S, Up, tandem

# In microseconds.
WATCHDOG_USEC = 200_000


class Systemd:
    """systemd's end of a unit's socket, which it reads at once."""

    def __init__(self) -> None:
        # A name in the abstract namespace, where systemd writes "@" for the zero byte.
        self.name = f"tandem-test-{os.getpid()}"
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


@pytest.fixture(scope="module")
def systemd() -> Systemd:
    return Systemd()


@pytest.fixture(scope="module")
def up(systemd, tmp_path_factory) -> Iterator[Up]:
    project = startproject(tmp_path_factory.mktemp("unit"))
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write('TANDEM = {"WSGI": {"WORKERS": 1}, "DRAIN_S": 1}\n')
    with Up(project, environment=systemd.environment) as running:
        yield running


def reload(up: Up) -> subprocess.CompletedProcess[str]:
    return tandem(up.directory, "reload")


def test_the_unit_is_ready_when_the_stack_is(systemd, up) -> None:
    """Not when supervisord runs; the status has the generation and the address."""
    assert systemd.next() == {"STATUS": "Starting"}
    live = f"Generation 1 is live: WSGI at {up.url}/"
    assert systemd.next() == {"READY": "1", "STATUS": live}


def test_a_reload_is_reported_from_its_beginning_to_its_end(systemd, up) -> None:
    """As `systemctl reload` runs it, or a person in a shell without systemd's variables."""
    done = reload(up)
    began, ended = systemd.next(), systemd.next()

    assert done.returncode == 0, done.stderr
    assert began.pop("MONOTONIC_USEC").isdecimal()
    status = f"Generation 1 is live: WSGI at {up.url}/; a reload is in progress"
    assert began == {"RELOADING": "1", "STATUS": status}
    assert ended == {"READY": "1", "STATUS": f"Generation 2 is live: WSGI at {up.url}/"}


def test_a_refused_reload_ends_too(systemd, up) -> None:
    """The command fails, and so does `systemctl reload`; the unit stays active."""
    urls = up.directory / "mysite" / "urls.py"
    good = urls.read_text()
    urls.write_text("import nothing_of_that_name\n")
    try:
        done = reload(up)
    finally:
        urls.write_text(good)
    began, ended = systemd.next(), systemd.next()

    assert (done.returncode, began["RELOADING"]) == (2, "1")
    status = f"Generation 2 is live: WSGI at {up.url}/; the last reload was refused"
    assert ended == {"READY": "1", "STATUS": status}


def test_the_watchdog_is_fed_while_supervisords_loop_runs(systemd, up) -> None:
    """Idle, the loop would wait for a second; half of WatchdogSec is less."""
    came_at = [systemd.wait_for_life() for _ in range(4)]

    # The shortest, for another program may have had the CPU.
    assert min(later - at for at, later in pairwise(came_at)) < 0.5


def test_a_stop_is_reported_by_the_main_process_alone(systemd, up) -> None:
    """So that NotifyAccess=main is enough."""
    up.process.send_signal(signal.SIGTERM)

    assert systemd.next() == {"STOPPING": "1", "STATUS": "Stopping, within 8 s"}
    assert up.wait() == 0
    assert systemd.senders == {up.process.pid}
