"""What each program is there for follows from the state, and from whether a reload is at work."""

from builders import plan
from django_tandem.render.state import state_of
from django_tandem.runtime.programs import Duty, duties

STATE = state_of(plan())
NAMES = [process.program for process in STATE.processes]


def test_what_the_state_names_serves() -> None:
    """With or without a generation in its name."""
    assert NAMES == ["wsgi-1", "nginx"]
    assert duties(STATE, NAMES, is_reloading=False) == {
        "wsgi-1": Duty.SERVING,
        "nginx": Duty.SERVING,
    }


def test_what_is_newer_is_a_candidate_while_a_reload_is_on_its_way() -> None:
    """And was left behind when none is."""
    running = [*NAMES, "wsgi-2"]

    assert duties(STATE, running, is_reloading=True)["wsgi-2"] is Duty.CANDIDATE
    assert duties(STATE, running, is_reloading=False)["wsgi-2"] is Duty.LEFT_BEHIND


def test_what_is_older_or_of_no_more_use_drains() -> None:
    """A reload may leave out the embedded Valkey, which has no number."""
    running = [*NAMES, "wsgi-0", "valkey"]

    for is_reloading in (True, False):
        found = duties(STATE, running, is_reloading=is_reloading)
        assert (found["wsgi-0"], found["valkey"]) == (Duty.DRAINING, Duty.DRAINING)
