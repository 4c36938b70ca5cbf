"""What runs is told apart by the state: what serves, what is to end, what is to start."""

from builders import plan
from django_tandem.render.state import state_of
from django_tandem.runtime.generations import generation_of, next_generation, to_end, to_start

SERVING = ["nginx", "wsgi-1"]


def test_the_number_is_read_off_the_name() -> None:
    """Of a program that no reload replaces it is 0."""
    assert generation_of("celery-beat-12") == 12
    assert generation_of("nginx") == 0
    assert generation_of("celery-beat") == 0


def test_no_number_is_given_twice() -> None:
    """Neither that of what serves, nor of what a killed reload left half started."""
    state = state_of(plan())

    assert next_generation(state, SERVING) == 2
    assert next_generation(state, [*SERVING, "wsgi-7"]) == 8


def test_what_the_state_does_not_name_is_to_end() -> None:
    """Older generations, and programs that were taken out of the settings."""
    state = state_of(plan(generation=3))

    assert to_end(state, ["nginx", "wsgi-3", "wsgi-2", "valkey"], is_reloading=False) == [
        "wsgi-2",
        "valkey",
    ]


def test_what_is_newer_is_left_to_the_reload_that_started_it() -> None:
    """As long as there is one; what it left behind when it was killed is to end."""
    state = state_of(plan())
    running = [*SERVING, "wsgi-2"]

    assert to_end(state, running, is_reloading=True) == []
    assert to_end(state, running, is_reloading=False) == ["wsgi-2"]


def test_what_the_state_names_and_does_not_run_is_to_start() -> None:
    """Nothing of it is forgotten by a reload that was killed after it had committed."""
    assert to_start(state_of(plan()), ["nginx"]) == ["wsgi-1"]


def test_what_must_be_alone_waits_for_its_predecessor() -> None:
    """And for no other program, however alike its name."""
    state = state_of(plan(tandem={"PROGRAMS": {"beat": ["true"]}}, generation=2))

    assert "beat-2" not in to_start(state, ["nginx", "wsgi-2", "beat-1"])
    assert "beat-2" in to_start(state, ["nginx", "wsgi-2", "offbeat-1"])
