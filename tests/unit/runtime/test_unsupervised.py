"""What a role without supervisord answers, and what is refused there in words."""

import os
from pathlib import Path

import pytest

from builders import plan, verdict, websocket
from django_tandem import output
from django_tandem.errors import RefusedError
from django_tandem.inprocess.generation_files import RESTARTS
from django_tandem.model import DrainMode
from django_tandem.model.state import State, planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime import lock, reload, unsupervised
from django_tandem.runtime.state import read_state

PEERS = {"SECRET": "0123456789abcdef0123456789abcdef"}


def running(run_dir: Path, roles: str) -> State:
    """Write the state of these roles, which this process runs by its lock."""
    planned = plan(
        verdict("/"), websocket("/ws/"), roles=roles, run_dir=str(run_dir), tandem={"PEERS": PEERS}
    )
    output.write([state_file(planned_state(planned))], run_dir)
    lock.take(run_dir)
    found = read_state(run_dir)
    assert found is not None
    return found


def test_the_one_program_is_the_holder_of_the_lock(tmp_path) -> None:
    """Its pid is that of `tandem up`, which has become it."""
    state = running(tmp_path, "wsgi")
    (status,) = unsupervised.statuses(tmp_path, state)

    assert (status.name, status.state, status.pid) == ("wsgi-1", "RUNNING", os.getpid())
    assert not state.is_supervised


def test_nothing_runs_without_a_lock(tmp_path) -> None:
    """A container that has ended."""
    other = tmp_path / "other"
    other.mkdir()

    assert unsupervised.statuses(tmp_path, running(other, "wsgi")) == ()


def test_the_restarts_are_those_of_its_workers(tmp_path) -> None:
    """Which its master counts in a file."""
    state = running(tmp_path, "wsgi")
    assert unsupervised.restarts(tmp_path, state) == {}

    RESTARTS.path(tmp_path, 1).write_text('{"wsgi": 3}')

    assert unsupervised.restarts(tmp_path, state) == {"wsgi-1": 3}


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        (
            "wsgi",
            "wsgi-1 runs in {run_dir} without supervisord, so it can't be reloaded.\n"
            "  Start a new container, and stop this one once the new one is ready.",
        ),
        (
            "wsgi,asgi",
            "The stack in {run_dir} listens on 0.0.0.0:9000, and two generations can't listen on "
            "one address.\n  Start the new code on another host or in a new container, and stop "
            "this stack with `tandem down` once that one is ready.",
        ),
    ],
)
def test_a_reload_is_refused(tmp_path, roles, message) -> None:
    """With what replaces it."""
    running(tmp_path, roles)

    with pytest.raises(RefusedError) as raised, reload.locked(tmp_path, print, patience_s=0):
        pass

    assert str(raised.value) == message.format(run_dir=tmp_path)


def test_a_drain_of_one_stop_is_refused() -> None:
    """The process has read its settings, and nothing changes them."""
    unsupervised.refuse_drain(None)

    with pytest.raises(RefusedError) as raised:
        unsupervised.refuse_drain(DrainMode.WAIT)

    assert str(raised.value) == (
        "`--drain wait` is for a stack with supervisord, and one program runs here.\n"
        '  Set TANDEM["DRAIN"], and start a new container.'
    )


def test_the_companion_sees_how_long_the_program_runs() -> None:
    """By its process, without a loop of supervisord's."""
    program = unsupervised.UnsupervisedProgram(os.getpid())

    uptime_s = program.uptime_s("wsgi-1")
    assert uptime_s is not None
    assert uptime_s > 0
    assert (program.is_shut_down, program.loop_age_s) == (False, None)
