"""A program's role follows from the state, and from whether a reload is in progress."""

import os
import threading

import pytest

from builders import plan
from django_tandem.errors import RefusedError
from django_tandem.model.state import STOPPING_FILE, planned_state
from django_tandem.runtime import lock
from django_tandem.runtime.status import ProgramRole, read_status, roles

STATE = planned_state(plan())
NAMES = [process.program for process in STATE.processes]


def test_programs_of_the_state_serve() -> None:
    """With or without a generation in its name."""
    assert NAMES == ["monitor", "wsgi-1", "nginx"]
    assert roles(STATE, NAMES, is_reloading=False) == {
        "wsgi-1": ProgramRole.SERVING,
        "monitor": ProgramRole.SERVING,
        "nginx": ProgramRole.SERVING,
    }


def test_newer_programs_are_candidates_during_a_reload() -> None:
    """And abandoned when none is in progress."""
    running = [*NAMES, "wsgi-2"]

    assert roles(STATE, running, is_reloading=True)["wsgi-2"] is ProgramRole.CANDIDATE
    assert roles(STATE, running, is_reloading=False)["wsgi-2"] is ProgramRole.ABANDONED


def test_older_and_unused_programs_drain() -> None:
    """A reload may leave out the embedded Valkey, which has no number."""
    running = [*NAMES, "wsgi-0", "valkey"]

    for is_reloading in (True, False):
        found = roles(STATE, running, is_reloading=is_reloading)
        assert (found["wsgi-0"], found["valkey"]) == (ProgramRole.DRAINING, ProgramRole.DRAINING)


def test_a_stack_whose_process_ends_meanwhile_does_not_run(tmp_path) -> None:
    """Its socket and the mark of the stop are removed a moment before."""
    handle = lock.take(tmp_path)
    end = threading.Timer(0.2, os.close, [handle])
    end.start()

    with pytest.raises(RefusedError) as caught:
        read_status(tmp_path)

    end.join()
    assert str(caught.value).startswith(f"Nothing runs in {tmp_path}.")


def test_a_stack_whose_socket_is_closed_is_stopping(tmp_path) -> None:
    """From the first moment of the stop to the end of its process."""
    handle = lock.take(tmp_path)
    (tmp_path / STOPPING_FILE).touch()

    with pytest.raises(RefusedError) as caught:
        read_status(tmp_path)

    os.close(handle)
    assert str(caught.value) == (
        f"The stack in {tmp_path} is stopping.\n  `tandem down` waits until it has stopped."
    )
