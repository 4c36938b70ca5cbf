"""When the plugin starts the drainer, and for which shifts the program that watches them."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from supervisor.states import SupervisorStates

from builders import plan, shift
from django_tandem import output
from django_tandem.model.shifts import ShiftState
from django_tandem.model.state import planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime import lock, shifts
from django_tandem.runtime.supervisor.plugin_processes import Drainer, ShiftPrograms


@pytest.fixture
def started(monkeypatch) -> list[str]:
    """Record the starts instead of a process."""
    starts: list[str] = []
    monkeypatch.setattr(Drainer, "start", lambda _self: starts.append("started"))
    return starts


class Timers:
    """Record what is called later instead of supervisord's event loop."""

    def __init__(self) -> None:
        self.set: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay_s: float, act: Callable[[], None]) -> None:
        self.set.append((delay_s, act))


@pytest.fixture
def timers() -> Timers:
    return Timers()


@pytest.fixture
def drainer(tmp_path, timers) -> Drainer:
    """Make the drainer of a stack whose live generation is 2."""
    state = planned_state(plan(generation=2))
    output.write([state_file(state)], tmp_path)
    groups = {process.program: None for process in state.processes}
    options = SimpleNamespace(mood=SupervisorStates.RUNNING)
    return Drainer(SimpleNamespace(process_groups=groups, options=options), tmp_path, timers)


def test_a_reload_starts_it_after_the_first_requests(drainer, started, timers) -> None:
    """It would take the CPUs from them."""
    drainer.start_soon()
    assert started == []

    ((delay_s, act),) = timers.set
    act()

    assert 0.2 <= delay_s <= 1
    assert started == ["started"]


def test_nothing_is_abandoned_while_the_live_generation_runs_alone(drainer, started) -> None:
    """Most ticks find nothing."""
    drainer.start_if_abandoned()

    assert started == []


def test_an_old_program_is_abandoned_without_a_reload(drainer, started, tmp_path) -> None:
    """The reload that replaced it was killed; one that runs starts the drainer itself."""
    drainer._supervisord.process_groups["wsgi-1"] = None
    handle = lock.try_to_take(tmp_path, lock.RELOAD)
    assert handle is not None
    drainer.start_if_abandoned()
    assert started == []

    lock.release(handle)
    drainer.start_if_abandoned()

    assert started == ["started"]


def test_candidates_without_a_reload_are_abandoned(drainer, started, tmp_path) -> None:
    """Whether they were committed or not."""
    (tmp_path / "supervisord.conf.next").touch()
    drainer.start_if_abandoned()
    (tmp_path / "state.json.next").touch()
    drainer.start_if_abandoned()

    assert started == ["started"] * 2


def test_a_damaged_state_starts_nothing(drainer, started, tmp_path) -> None:
    """Every command reports it, and the programs keep running."""
    (tmp_path / "state.json").write_text("{")

    drainer.start_if_abandoned()

    assert started == []


class Programs(ShiftPrograms):
    """The programs of a run directory, of which none is started."""

    def __init__(self, run_dir) -> None:
        nothing: Any = None
        super().__init__(run_dir, nothing)
        self.started = 0

    def watch(self) -> bool:
        self.started += 1
        return True


@pytest.fixture
def programs(tmp_path) -> Programs:
    return Programs(tmp_path)


def write(run_dir, *given) -> None:
    with shifts.changing(run_dir) as kept:
        kept[:] = given


@pytest.mark.parametrize("state", [ShiftState.RUNNING, ShiftState.PAUSED, ShiftState.DONE])
def test_the_program_runs_while_requests_are_split(programs, tmp_path, state) -> None:
    """One that is done, too: the edge writes a line for each request, which nobody else frees."""
    write(tmp_path, shift(step=2, state=state))
    programs.tick()

    assert programs.started == 1


@pytest.mark.parametrize("state", [ShiftState.ABORTED, ShiftState.ROLLED_BACK])
def test_a_shift_that_has_ended_needs_no_program(programs, tmp_path, state) -> None:
    """It would be started every five seconds."""
    write(tmp_path, shift(state=state))
    programs.tick()

    assert programs.started == 0


def test_a_split_that_no_file_explains_needs_the_program(programs, tmp_path) -> None:
    """It ends the split."""
    write(tmp_path, shift(step=2, state=ShiftState.DONE))
    (tmp_path / "shifts.json").write_text("{")
    programs.tick()

    assert programs.started == 1
