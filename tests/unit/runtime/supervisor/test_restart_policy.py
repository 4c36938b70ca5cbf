"""A program that has answered is restarted forever; one that never has is given up."""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from supervisor import events
from supervisor.states import ProcessStates, SupervisorStates

from builders import plan
from django_tandem import output
from django_tandem.model.state import planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime.state import FAILED_FILE, READY_FILE
from django_tandem.runtime.supervisor.restart_policy import RestartPolicy

NOW = 1000.0
PROGRAM = "wsgi-1"
STARTING, RUNNING = ProcessStates.STARTING, ProcessStates.RUNNING


class Loop:
    """supervisord, its event loop and its output, as far as the policy uses them."""

    def __init__(self, run_dir: Path) -> None:
        self.wait_status = 0
        self.is_woken = False
        self.options = SimpleNamespace(
            mood=SupervisorStates.RUNNING, waitpid=lambda: (7, self.wait_status)
        )
        self.lines: list[str] = []
        self.policy = RestartPolicy(self, run_dir, self, self)

    def wake(self) -> None:
        self.is_woken = True

    def call_later(self, *_: object) -> None: ...

    def print_line(self, text: str, _level: str = "") -> None:
        self.lines.append(text)

    @property
    def is_stopping(self) -> bool:
        return self.options.mood == SupervisorStates.SHUTDOWN


@pytest.fixture
def loop(tmp_path, monkeypatch) -> Iterator[Loop]:
    monkeypatch.setattr("time.time", lambda: NOW)
    output.write([state_file(planned_state(plan()))], tmp_path)
    events.clear()
    yield Loop(tmp_path)
    events.clear()


def process(name: str = PROGRAM, *, ran_s: float = 6) -> Any:
    config = SimpleNamespace(name=name, startretries=3)
    return SimpleNamespace(
        config=config,
        pid=7,
        laststart=NOW - ran_s,
        exitstatus=3,
        spawnerr="Exited too quickly (process log may have details)",
        backoff=1,
        delay=NOW + 1,
    )


def exits(program: Any) -> None:
    events.notify(events.ProcessStateExitedEvent(program, RUNNING, False))


def fails_to_start(program: Any) -> None:
    events.notify(events.ProcessStateBackoffEvent(program, STARTING, True))


def test_a_program_that_exits_late_each_time_is_given_up(loop, tmp_path) -> None:
    """supervisord itself counts only exits within its startsecs."""
    program = process()

    for _ in range(3):
        exits(program)
    assert not loop.is_stopping
    assert loop.lines == ["wsgi-1 exited with code 3; restarting it"] * 3
    exits(program)

    assert loop.is_stopping
    assert loop.policy.has_failed
    assert loop.lines[-1] == "wsgi-1 failed to start: stopping the stack"
    assert (tmp_path / FAILED_FILE).read_text() == (
        "wsgi-1\nit exited with code 3 each time, some seconds after its start"
    )


@pytest.mark.parametrize("end", [exits, fails_to_start])
def test_a_program_that_cannot_load_the_project_is_not_tried_again(end, loop, tmp_path) -> None:
    """It recorded why, and the next attempt would fail alike."""
    (tmp_path / f"{PROGRAM}.failed").write_text("ValueError: no licence")

    end(process())

    assert loop.is_stopping
    assert loop.lines[-1] == "wsgi-1 failed to start: stopping the stack"
    assert not any("restarting" in line for line in loop.lines)
    assert (tmp_path / FAILED_FILE).read_text() == "wsgi-1\nit can't load the project"


def test_a_second_failure_to_load_keeps_a_stop_waiting_no_longer(loop, tmp_path) -> None:
    """supervisord would notice the exit only when its loop wakes, up to a second later."""
    (tmp_path / f"{PROGRAM}.failed").write_text("ValueError: no licence")
    loop.options.mood = SupervisorStates.SHUTDOWN

    exits(process())

    assert loop.is_woken
    assert not (tmp_path / FAILED_FILE).exists()


@pytest.mark.parametrize("end", [exits, fails_to_start])
def test_a_failure_to_load_ends_no_stack_that_was_ready(end, loop, tmp_path) -> None:
    """The file of the project may be broken only now, and the other programs serve."""
    (tmp_path / READY_FILE).touch()
    (tmp_path / f"{PROGRAM}.failed").write_text("ValueError: no licence")

    end(process())

    assert not loop.is_stopping


@pytest.mark.parametrize("how", ["the stack was ready", "it ran for long", "a reload started it"])
def test_a_program_that_has_answered_is_never_given_up(how, loop, tmp_path) -> None:
    """Its backing service may be away; the rest of the site serves."""
    program = process(ran_s=600 if how == "it ran for long" else 6)
    if how == "the stack was ready":
        (tmp_path / READY_FILE).touch()
    if how == "a reload started it":
        program.config.name = "wsgi-2"

    for _ in range(20):
        exits(program)

    assert not loop.is_stopping


def test_the_backoff_of_a_program_that_has_answered_is_reset(loop, tmp_path) -> None:
    """At once after the first failure, then every two seconds, without end."""
    (tmp_path / READY_FILE).touch()
    first, tenth = process(ran_s=1), process(ran_s=1)
    tenth.backoff = 10

    fails_to_start(first)
    fails_to_start(tenth)

    assert (first.backoff, first.delay) == (1, 0)
    assert (tenth.backoff, tenth.delay) == (3, NOW + 1)


def test_the_monitor_is_restarted_without_end(loop) -> None:
    """Also at the first start: no request needs it."""
    monitor = process("monitor", ran_s=1)
    monitor.backoff = 10

    for _ in range(20):
        exits(monitor)
    fails_to_start(monitor)

    assert not loop.is_stopping
    assert (monitor.backoff, monitor.delay) == (3, NOW + 1)


def test_supervisords_own_backoff_stays_for_one_that_has_not(loop) -> None:
    """It gives such a program up itself, and then the stack ends."""
    program = process()

    loop.wait_status = 3 << 8
    loop.options.waitpid()
    fails_to_start(program)
    assert (program.backoff, program.delay) == (1, NOW + 1)
    events.notify(events.ProcessStateFatalEvent(program, ProcessStates.BACKOFF, True))

    assert loop.is_stopping
    assert loop.lines == [
        "wsgi-1 failed to start: it exited with code 3 right after its start",
        "wsgi-1 failed to start: stopping the stack",
    ]


@pytest.mark.parametrize(
    ("wait_status", "reason"),
    [
        (0, "exited with code 0 right after its start, and a program has to keep running"),
        (1 << 8, "exited with code 1 right after its start"),
        (signal.SIGSEGV, "was killed by SIGSEGV right after its start"),
    ],
)
def test_a_program_that_ends_at_once_is_given_up_with_its_exit_code(
    wait_status, reason, loop, tmp_path
) -> None:
    """supervisord itself keeps no exit code of such a program."""
    program = process()
    loop.wait_status = wait_status
    assert loop.options.waitpid() == (7, wait_status)
    fails_to_start(program)
    events.notify(events.ProcessStateFatalEvent(program, ProcessStates.BACKOFF, True))

    assert loop.lines[0] == f"wsgi-1 failed to start: it {reason}"
    assert (tmp_path / FAILED_FILE).read_text() == f"wsgi-1\nit {reason}"


def test_a_candidate_that_is_given_up_ends_nothing(loop) -> None:
    """The reload that started it reports the failure."""
    events.notify(events.ProcessStateFatalEvent(process("wsgi-2"), ProcessStates.BACKOFF, True))

    assert not loop.is_stopping


def test_a_damaged_state_is_one_line_and_ends_nothing(loop, tmp_path) -> None:
    """A program of the live generation is restarted as before, by the state as it was."""
    (tmp_path / READY_FILE).touch()
    (tmp_path / "state.json").write_text("{")
    program = process()

    exits(program)
    exits(program)
    events.notify(events.ProcessStateFatalEvent(program, ProcessStates.BACKOFF, True))

    assert not loop.is_stopping
    assert loop.lines == [
        f"{tmp_path / 'state.json'} is damaged: it does not hold the state of a stack.",
        *["wsgi-1 exited with code 3; restarting it"] * 2,
    ]


def test_restarts_are_counted_until_the_program_is_removed(loop) -> None:
    """Its first start is none."""
    program = process()
    for before in (ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.BACKOFF):
        events.notify(events.ProcessStateStartingEvent(program, before, True))
    assert loop.policy.restarts() == {PROGRAM: 2}

    events.notify(events.ProcessGroupRemovedEvent(PROGRAM))
    assert loop.policy.restarts() == {}
