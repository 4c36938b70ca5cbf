"""`tandem status --check` reads a probe from the socket in the run directory."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from django_tandem.cli import status
from django_tandem.errors import RefusedError
from django_tandem.runtime import lock
from django_tandem.runtime.probes import client
from django_tandem.runtime.probes.client import failures
from django_tandem.runtime.probes.report import StackHealth
from django_tandem.runtime.probes.server import ProbeServer

STARTING = StackHealth(
    is_started=False, is_stopping=False, loop_age_s=0, master_age_s=None, servers=()
)


@contextlib.contextmanager
def probed(run_dir, health: StackHealth) -> Iterator[None]:
    async def observe() -> StackHealth:
        return health

    lines: list[str] = []
    server = ProbeServer(run_dir, observe, lines.append)
    server.start(())
    # What was scheduled before has begun by then.
    server._thread.submit(asyncio.sleep(0)).result(5)
    try:
        while not (run_dir / "health.sock").exists():
            threading.Event().wait(0.01)
        yield
    finally:
        server.close()
    assert lines == []


def test_the_failures_of_a_probe_are_sentences(tmp_path) -> None:
    """Each with the name of its check; none for a probe that passes."""
    with probed(tmp_path, STARTING):
        assert failures(tmp_path, "/readyz") == ["start: The first generation is not live yet."]
        assert failures(tmp_path, "/livez") == []


@pytest.mark.parametrize(
    ("health", "wanted", "line"),
    [
        (STARTING, "ready", "Not ready: start: The first generation is not live yet.\n"),
        (STARTING, "started", "Not started: start: The first generation is not live yet.\n"),
        (STARTING, "live", ""),
        (replace(STARTING, is_started=True), "ready", ""),
    ],
)
def test_the_command_prints_one_line(tmp_path, capsys, health, wanted, line) -> None:
    """On stderr, and its exit code is the answer."""
    with probed(tmp_path, health):
        assert status._check(tmp_path, wanted) == (1 if line else 0)

    assert capsys.readouterr() == ("", line)


def test_nothing_runs(tmp_path) -> None:
    """No socket is there, or one that was left behind."""
    with pytest.raises(RefusedError) as error:
        failures(tmp_path, "/readyz")
    assert str(error.value) == f"Nothing runs in {tmp_path}.\n  Start it with `tandem up`."

    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "health.sock"))
    with pytest.raises(RefusedError, match="Nothing runs in"):
        failures(tmp_path, "/readyz")


def test_a_stopped_supervisord_does_not_hold_up_the_command(tmp_path, monkeypatch) -> None:
    """The kernel accepts the connection, and nobody answers."""
    monkeypatch.setattr(client, "TIMEOUT_S", 0.1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "health.sock"))
        listener.listen()

        with pytest.raises(RefusedError) as error:
            failures(tmp_path, "/readyz")

    expected = f"The probes do not answer in {tmp_path}.\n  `tandem logs` shows why."
    assert str(error.value) == expected


def test_probes_that_no_longer_listen_in_a_running_stack(tmp_path) -> None:
    """The lock has its holder: something runs."""
    held = lock.try_to_take(tmp_path, lock.NAME)
    lock.sign(held, tmp_path)
    try:
        with pytest.raises(RefusedError) as error:
            failures(tmp_path, "/readyz")
    finally:
        lock.release(held)

    expected = f"The probes do not answer in {tmp_path}.\n  `tandem logs` shows why."
    assert str(error.value) == expected
