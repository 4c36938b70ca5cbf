"""What `tandem down` prints before it waits."""

import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from builders import plan, websocket
from django_tandem import output
from django_tandem.cli.down import wait_ahead
from django_tandem.model.state import planned_state
from django_tandem.render.supervisor import state_file


def start(run_dir: Path, **tandem: Any) -> None:
    """Make what a stack has in its run directory, its sockets aside."""
    output.write([state_file(planned_state(plan(websocket("/ws/"), tandem=tandem)))], run_dir)
    (run_dir / "asgi.sock").symlink_to("asgi-1.sock")


@pytest.mark.parametrize(
    ("delay_s", "connections", "line"),
    [
        (0, 0, ""),
        (5, 0, "Stopping takes 21 s at most: the stack still serves for 5 s."),
        (0, 1, "Stopping takes 21 s at most: the stack waits for 1 connection."),
        (
            5,
            3,
            "Stopping takes 21 s at most: the stack still serves for 5 s and then waits for "
            "3 connections.",
        ),
    ],
)
def test_a_stop_that_takes_time_has_its_reason_and_its_bound(
    tmp_path, delay_s, connections, line
) -> None:
    """The bound is that of STOP_S, however connections end."""
    start(tmp_path, STOP_S=20, STOP_DELAY_S=delay_s)
    path = str(tmp_path / "asgi-1.sock")
    with ExitStack() as opened:
        listener = opened.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        listener.listen()
        for _ in range(connections):
            client = opened.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(path)
            opened.enter_context(listener.accept()[0])

        assert wait_ahead(tmp_path) == line


@pytest.mark.parametrize("is_stopping", [True, False])
def test_without_a_delay_ahead_there_is_no_line(tmp_path, is_stopping) -> None:
    """It has begun already, or no server listens yet."""
    start(tmp_path, STOP_S=20, STOP_DELAY_S=5)
    if is_stopping:
        (tmp_path / "asgi-1.sock").touch()
        (tmp_path / "stopping").touch()

    assert wait_ahead(tmp_path) == ""


def test_a_damaged_state_has_no_line(tmp_path) -> None:
    """It stops all the same."""
    (tmp_path / "state.json").write_text("{")

    assert wait_ahead(tmp_path) == ""
