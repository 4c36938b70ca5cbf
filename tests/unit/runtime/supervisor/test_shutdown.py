"""A stop signals each program at its moment, whatever the signal was that began it."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from supervisor import events
from supervisor.states import ProcessStates, SupervisorStates

from builders import plan, websocket
from django_tandem import output
from django_tandem.inprocess import drain_window
from django_tandem.model import DrainMode
from django_tandem.model.state import planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime.supervisor.shutdown import Shutdown

PROGRAMS = {"tasks": {"COMMAND": "x", "STOP_S": 3}, "beat": "y"}


class Group:
    """A program that runs until it is stopped."""

    def __init__(self, name: str, stop_s: float, loop: "Loop") -> None:
        self.config = SimpleNamespace(name=name, stopwaitsecs=stop_s)
        self.process = SimpleNamespace(
            config=self.config, pid=0, state=ProcessStates.RUNNING, delay=0.0
        )
        self.processes = {name: self.process}
        self._loop = loop

    def get_unstopped_processes(self) -> list[Any]:
        return [self.process]

    def stop_all(self) -> None:
        # As supervisord, which stops only what is not being stopped.
        self._loop.stopped.setdefault(self.config.name, (self._loop.now, self.config.stopwaitsecs))


@dataclass
class Loop:
    """supervisord, its event loop and its output, with a clock that the test moves."""

    now: float = 100.0
    timers: list[tuple[float, Any]] = field(default_factory=list)
    # When each program was stopped, and how long it had.
    stopped: dict[str, tuple[float, float]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    has_failed: bool = False

    def start(self, run_dir: Path, **tandem: Any) -> None:
        found = plan(websocket("/ws/"), tandem={"PROGRAMS": PROGRAMS, **tandem}, needs_redis=True)
        output.write([state_file(planned_state(found))], run_dir)
        self.options = SimpleNamespace(mood=SupervisorStates.RUNNING)
        self.process_groups = {
            each.program: Group(each.program, each.stop_s, self) for each in found.processes
        }
        self.stop_groups: list[Any] = []
        self.shutdown = Shutdown(self, run_dir, self, self, lambda: self.has_failed)

    def wake(self) -> None: ...

    def call_later(self, delay_s: float, act: Any) -> None:
        self.timers.append((self.now + delay_s, act))

    def print_line(self, text: str) -> None:
        self.lines.append(text)

    def stop(self) -> None:
        """Begin the stop as supervisord does."""
        self.stop_groups = list(self.process_groups.values())
        events.notify(events.SupervisorStoppingEvent())

    def run_until(self, now: float) -> None:
        while due := [each for each in self.timers if each[0] <= now]:
            first = min(due, key=lambda each: each[0])
            self.timers.remove(first)
            self.now = first[0]
            first[1]()
        self.now = now

    def stopped_after(self, since: float = 100.0) -> dict[str, tuple[float, float]]:
        """Return how long after the signal each program was stopped, and until when it had."""
        return {
            name: (round(at - since, 1), round(at + had - since, 1))
            for name, (at, had) in self.stopped.items()
        }


@pytest.fixture
def loop(monkeypatch) -> Iterator[Loop]:
    found = Loop()
    monkeypatch.setattr("time.monotonic", lambda: found.now)
    taken = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in taken]
    events.clear()
    yield found
    events.clear()
    for number, handler in zip(taken, before, strict=True):
        signal.signal(number, handler)


def test_a_stop_gives_each_program_until_its_moment(loop, tmp_path) -> None:
    """The edge and programs at once, servers and monitor later; Valkey is supervisord's."""
    loop.start(tmp_path)
    loop.stop()

    assert (tmp_path / "stopping").exists()
    assert drain_window.read(tmp_path, 1).window_s == 6
    assert loop.lines == ["stopping: finishes requests in flight, for 8 s at most"]
    loop.run_until(120)
    assert loop.stopped_after() == {
        "nginx": (0, 8.5),
        "tasks-1": (0, 3),
        "beat-1": (0, 8),
        "master-1": (6, 8),
        "monitor": (6, 8),
    }


def test_a_signal_to_reopen_the_logs_is_not_the_end(loop, tmp_path) -> None:
    """Gunicorn's users send it after a rotation; by default it ends a process."""
    loop.start(tmp_path)
    events.notify(events.SupervisorRunningEvent())

    signal.raise_signal(signal.SIGUSR1)

    # A program would inherit that a signal is ignored, and reset a handler.
    assert callable(signal.getsignal(signal.SIGUSR1))
    assert not (tmp_path / "stopping").exists()


def test_the_servers_stop_as_soon_as_the_edge_has_ended(loop, tmp_path) -> None:
    """Nothing can reach them any more."""
    loop.start(tmp_path)
    loop.stop()
    loop.run_until(101)
    events.notify(
        events.ProcessStateStoppedEvent(loop.process_groups["nginx"].process, from_state=0)
    )

    assert loop.stopped_after()["master-1"] == (1, 8)


def test_the_channels_workers_of_a_master_finish_from_the_beginning(loop, tmp_path) -> None:
    """As those of a separate program, and not in the last seconds with the servers."""
    got: list[int] = []
    before = signal.signal(signal.SIGWINCH, lambda number, _frame: got.append(number))
    loop.start(tmp_path, STOP_S=20, STOP_DELAY_S=5)
    loop.process_groups["master-1"].process.pid = os.getpid()

    loop.stop()
    assert got == []
    loop.run_until(105)

    signal.signal(signal.SIGWINCH, before)
    assert got == [signal.SIGWINCH]


def test_a_stack_serves_during_the_delay(loop, tmp_path) -> None:
    """It is marked at once; supervisord, which would stop the edge first, has nothing to stop."""
    loop.start(tmp_path, STOP_S=20, STOP_DELAY_S=5)
    loop.stop()
    loop.run_until(104.9)

    assert (tmp_path / "stopping").exists()
    assert (loop.stopped, loop.stop_groups) == ({}, [])
    assert drain_window.read(tmp_path, 1) is None
    loop.run_until(105)
    assert len(loop.stop_groups) == len(loop.process_groups)
    assert drain_window.read(tmp_path, 1).window_s == 11.25
    loop.run_until(120)
    assert loop.stopped_after()["nginx"] == (5, 20.5)
    assert loop.stopped_after()["master-1"] == (16.2, 20)


def test_ctrl_c_skips_the_delay_and_closes_connections_within_a_second(loop, tmp_path) -> None:
    """A person waits for it; requests have as long as otherwise."""
    loop.start(tmp_path, STOP_S=20, STOP_DELAY_S=5)
    events.notify(events.SupervisorRunningEvent())
    signal.raise_signal(signal.SIGINT)
    assert loop.options.mood == SupervisorStates.SHUTDOWN
    loop.stop()
    loop.run_until(120)

    assert drain_window.read(tmp_path, 1).window_s == 1
    assert loop.lines == ["stopping: requests in flight are finished; Ctrl-C again stops at once"]
    assert loop.stopped_after()["nginx"] == (0, 20.5)
    assert loop.stopped_after()["master-1"] == (2, 20)


def test_a_second_ctrl_c_kills_all(loop, tmp_path) -> None:
    """Also where SIGTERM began the stop; a second SIGTERM changes nothing."""
    loop.start(tmp_path)
    events.notify(events.SupervisorRunningEvent())
    loop.stop()

    assert signal.getsignal(signal.SIGINT) == loop.shutdown.kill_all


def test_a_stack_that_never_came_up_stops_without_a_delay(loop, tmp_path) -> None:
    """No load balancer sends to it, and nobody pressed Ctrl-C."""
    loop.start(tmp_path, STOP_S=20, STOP_DELAY_S=5)
    loop.has_failed = True
    loop.stop()

    assert loop.lines == []
    assert loop.stopped_after()["nginx"] == (0, 20.5)


@pytest.mark.parametrize(
    ("made", "began_s"),
    [
        ((), 0),
        (("wsgi-1.sock",), 0),
        (("wsgi-1.sock", "asgi-1.sock"), 5),
        (("ready",), 5),
    ],
    ids=["nothing", "one server", "servers", "ready, and a server restarts"],
)
def test_a_stack_that_has_served_nothing_yet_stops_without_a_delay(
    loop, tmp_path, made, began_s
) -> None:
    """Its servers do not listen, so that no load balancer can have sent anything to it."""
    loop.start(tmp_path, STOP_S=20, STOP_DELAY_S=5)
    for stack in ("wsgi", "asgi"):
        (tmp_path / f"{stack}.sock").symlink_to(f"{stack}-1.sock")
    for name in made:
        (tmp_path / name).touch()
    loop.stop()
    loop.run_until(120)

    serves = "serves for 5 s more, then " if began_s else ""
    left_s = 20 - began_s
    assert loop.lines == [f"stopping: {serves}finishes requests in flight, for {left_s} s at most"]
    assert loop.stopped_after()["nginx"] == (began_s, 20.5)


def test_one_stop_may_leave_connections_to_end_by_themselves(loop, tmp_path) -> None:
    """As `tandem down --drain wait` has it; otherwise their own settings decide."""
    loop.start(tmp_path)
    loop.shutdown.drain = DrainMode.WAIT
    loop.stop()

    assert drain_window.read(tmp_path, 1).mode is DrainMode.WAIT


def test_a_damaged_state_stops_as_by_default(loop, tmp_path) -> None:
    """Nothing keeps a stack from stopping."""
    loop.start(tmp_path, STOP_S=20)
    (tmp_path / "state.json").write_text("{")
    loop.stop()

    assert loop.stopped_after()["nginx"] == (0, 8.5)


def test_a_state_that_the_disk_does_not_return_stops_as_by_default(loop, tmp_path) -> None:
    """As a damaged one: each program still has its moment."""
    loop.start(tmp_path, STOP_S=20)
    (tmp_path / "state.json").unlink()
    (tmp_path / "state.json").mkdir()
    loop.stop()
    loop.run_until(120)

    assert drain_window.read(tmp_path, 1).window_s == 6
    assert loop.stopped_after()["master-1"] == (6, 8)


def test_a_program_that_a_reload_is_stopping_ends_with_the_stack(loop, tmp_path) -> None:
    """supervisord keeps the deadline that it had; only an earlier one holds."""
    loop.start(tmp_path)
    late, early = (loop.process_groups[name].process for name in ("master-1", "tasks-1"))
    late.state = early.state = ProcessStates.STOPPING
    late.delay, early.delay = time.time() + 30, time.time() + 1
    kept = early.delay
    loop.stop()
    loop.run_until(120)

    assert late.delay < time.time() + 2.1
    assert early.delay == kept
