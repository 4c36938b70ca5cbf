"""The state against the running programs: which are stopped, and which are started."""

import pytest

from builders import plan
from django_tandem.model.state import planned_state
from django_tandem.runtime.reconcile import (
    next_generation,
    programs_to_start,
    programs_to_stop,
)

LIVE = ["nginx", "wsgi-1"]


def test_no_generation_number_is_used_twice() -> None:
    """Neither that of the live generation, nor that of an abandoned one."""
    state = planned_state(plan())

    assert next_generation(state, LIVE) == 2
    assert next_generation(state, [*LIVE, "wsgi-7"]) == 8


def test_a_program_that_the_state_does_not_name_is_stopped() -> None:
    """Older generations, and programs that were removed from the settings."""
    state = planned_state(plan(generation=3))
    running = ["nginx", "wsgi-3", "wsgi-2", "valkey"]

    assert programs_to_stop(state, running, is_reloading=False) == ["wsgi-2", "valkey"]


def test_a_newer_program_is_stopped_only_when_no_reload_is_in_progress() -> None:
    """A reload owns its candidates; those of a killed one are abandoned."""
    state = planned_state(plan())
    running = [*LIVE, "wsgi-2"]

    assert programs_to_stop(state, running, is_reloading=True) == []
    assert programs_to_stop(state, running, is_reloading=False) == ["wsgi-2"]


def test_a_program_that_is_still_linked_is_not_stopped() -> None:
    """New connections reach it, whatever the state says."""
    state = planned_state(plan(generation=3))

    assert programs_to_stop(state, ["wsgi-2"], is_reloading=False, linked=["wsgi-2"]) == []


@pytest.mark.parametrize("linked", ["wsgi-2", "asgi-2"])
def test_a_master_with_a_linked_socket_is_not_stopped(linked) -> None:
    """Either of its links may move first."""
    state = planned_state(plan(generation=3))

    assert programs_to_stop(state, ["master-2"], is_reloading=False, linked=[linked]) == []
    assert programs_to_stop(state, ["master-2"], is_reloading=False, linked=["wsgi-3"]) == [
        "master-2"
    ]


def test_a_program_that_the_state_names_and_that_does_not_run_is_started() -> None:
    """A reload that was killed after its commit loses no program."""
    assert programs_to_start(planned_state(plan()), ["monitor", "nginx"]) == ["wsgi-1"]


def test_an_exclusive_program_starts_after_its_predecessor_has_ended() -> None:
    """It waits for no other program, however similar the name."""
    state = planned_state(plan(tandem={"PROGRAMS": {"beat": ["true"]}}, generation=2))

    assert "beat-2" not in programs_to_start(state, ["nginx", "wsgi-2", "beat-1"])
    assert "beat-2" in programs_to_start(state, ["nginx", "wsgi-2", "offbeat-1"])


@pytest.mark.parametrize("before", ["beat-1", "beat-1-1", "beat-2-1"])
def test_a_replica_waits_for_every_replica_of_its_predecessor(before) -> None:
    """Also where their number has changed, and with it their names."""
    beat = {"COMMAND": ["true"], "REPLICAS": 2}
    state = planned_state(plan(tandem={"PROGRAMS": {"beat": beat}}, generation=2))

    assert "beat-1-2" not in programs_to_start(state, ["nginx", before])
    assert "beat-1-2" in programs_to_start(state, ["nginx", "beat-2-2", "beater-1"])
