"""A drainer is started after a reload, and for what a killed reload has left."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from supervisor.states import SupervisorStates

from builders import plan
from django_tandem import output
from django_tandem.model.state import planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime import lock
from django_tandem.runtime.supervisor.drainer import Drainer


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
