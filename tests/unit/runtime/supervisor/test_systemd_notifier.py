"""What systemd gets from the plugin, at a socket of the tests in its place."""

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from supervisor import events

from builders import plan, websocket
from django_tandem import output
from django_tandem.model.state import planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime import lock
from django_tandem.runtime.supervisor.systemd_notifier import SystemdNotifier

LIVE = "Generation {} is live: WSGI and ASGI at http://127.0.0.1:8000/"


class Timers:
    """A self-pipe whose calls the test makes."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay_s: float, act: Callable[[], None]) -> None:
        self.due.append((delay_s, act))


class Systemd:
    """systemd's end of the socket."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def received(self) -> list[list[str]]:
        """Return the messages since the last call."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode().splitlines())
            except BlockingIOError:
                return found


@pytest.fixture
def systemd(tmp_path, monkeypatch) -> Iterator[Systemd]:
    events.clear()
    made = Systemd(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    yield made
    made.socket.close()
    events.clear()


def write_state(run_dir, generation: int) -> None:
    output.write(
        [state_file(planned_state(plan(websocket("/ws/"), generation=generation)))], run_dir
    )


def notifier(run_dir, timers: Any = None) -> SystemdNotifier:
    write_state(run_dir, 1)
    return SystemdNotifier(run_dir, timers or Timers())


def test_a_start_is_ready_once(systemd, tmp_path) -> None:
    """With the generation and what it serves as the status."""
    made = notifier(tmp_path)
    made.ready()

    assert systemd.received() == [["STATUS=Starting"], ["READY=1", f"STATUS={LIVE.format(1)}"]]


def test_a_reload_has_a_beginning_and_an_end(systemd, tmp_path) -> None:
    """The time of its beginning is systemd's own clock, in microseconds."""
    made = notifier(tmp_path)
    made.begin_reload()
    write_state(tmp_path, 2)
    made.end_reload()
    _, began, ended = systemd.received()

    assert began[0] == "RELOADING=1"
    assert began[1].startswith("MONOTONIC_USEC=")
    assert began[2] == f"STATUS={LIVE.format(1)}; a reload is in progress"
    assert ended == ["READY=1", f"STATUS={LIVE.format(2)}"]


def test_a_refused_reload_ends_as_well(systemd, tmp_path) -> None:
    """systemd would wait for its end."""
    made = notifier(tmp_path)
    made.begin_reload()
    made.end_reload()

    last = f"STATUS={LIVE.format(1)}; the last reload was refused"
    assert systemd.received()[-1] == ["READY=1", last]


def test_a_killed_reload_ends_once_its_lock_is_free(systemd, tmp_path) -> None:
    """While another process holds the lock, the reload is in progress."""
    made = notifier(tmp_path)
    handle = lock.try_to_take(tmp_path, lock.RELOAD)
    assert handle is not None
    made.begin_reload()
    made.end_killed_reload()
    assert systemd.received()[-1][0] == "RELOADING=1"
    lock.release(handle)
    made.end_killed_reload()
    made.end_killed_reload()

    assert [each[0] for each in systemd.received()] == ["READY=1"]


def test_a_stop_is_announced(systemd, tmp_path) -> None:
    """With the seconds of STOP_S."""
    made = notifier(tmp_path)
    events.notify(events.SupervisorStoppingEvent())

    assert systemd.received()[-1] == ["STOPPING=1", "STATUS=Stopping, within 8 s"]
    assert made is not None


def test_the_watchdog_is_fed_in_the_loop(systemd, tmp_path, monkeypatch) -> None:
    """At half of its time: what runs in the loop shows that it turns."""
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    timers = Timers()
    made = notifier(tmp_path, timers)
    (delay_s, act), *_ = timers.due
    act()

    assert delay_s == 30
    assert systemd.received() == [["STATUS=Starting"], ["WATCHDOG=1"], ["WATCHDOG=1"]]
    assert len(timers.due) == 2
    assert made is not None


def test_without_systemd_there_is_no_timer(tmp_path, monkeypatch) -> None:
    """As in a terminal, or in a container."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    timers = Timers()
    notifier(tmp_path, timers).ready()

    assert timers.due == []
