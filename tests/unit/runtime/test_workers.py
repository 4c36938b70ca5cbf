"""The workers of a shared master are its child processes, known by their names."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import plan, websocket
from django_tandem.inprocess.generation_files import RESTARTS, WorkerRestarts
from django_tandem.model import Process, Status, WorkerKind
from django_tandem.model.programs import MASTER_MODULE
from django_tandem.model.state import planned_state
from django_tandem.runtime.health import UP_S, check, does_work, silent_kinds
from django_tandem.runtime.kind_status import KindStatus, ProgramRole, kind_statuses
from django_tandem.runtime.workers import Worker, workers_of
from harness.client import wait_for

pytestmark = pytest.mark.processes

# A master of two WSGI workers, two Channels workers and a process of the project's own.
FORKING = """
import os, sys
from pathlib import Path

for name in ("tandem: wsgi", "tandem: wsgi", "tandem: channels", "booting: channels", "a helper"):
    if os.fork() == 0:
        Path("/proc/self/comm").write_text(name)
        os.write(1, b"named\\n")
        sys.stdin.read()
        os._exit(0)
sys.stdin.read()
"""


@pytest.fixture
def master() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", FORKING, MASTER_MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        for _ in range(5):
            assert started.stdout.readline() == "named\n"
        yield started.pid
        started.stdin.close()


def _process(run_dir: Path, *channels: str) -> Process:
    found = plan(
        websocket("/ws/"),
        run_dir=str(run_dir),
        channel_names=channels,
    )
    return next(process for process in found.processes if process.name == "master")


def _statuses(
    run_dir: Path, pid: int, process: Process | None, role: ProgramRole
) -> list[KindStatus]:
    status = Status(name="master-1", state="RUNNING", pid=pid, since_s=9)
    return list(kind_statuses(run_dir, status, process, role, {"wsgi-1": 3}))


def test_workers_are_found_by_kind(master) -> None:
    """The kernel cuts a longer name; a process of another name is the project's own."""
    found = workers_of(master)

    assert {kind: len(workers) for kind, workers in found.items()} == {
        "wsgi": 2,
        "asgi": 0,
        "channels": 2,
    }
    assert [each.is_ready for each in found["channels"]] == [True, False]
    assert all(0 <= each.uptime_s < 60 for workers in found.values() for each in workers)


def test_a_process_that_is_no_master_has_no_known_workers() -> None:
    """Its pid may be a stranger's, in another PID namespace."""
    assert workers_of(os.getpid()) is None
    assert workers_of(2**22 + 1) is None


@pytest.mark.parametrize(
    ("uptime_s", "is_ready", "works"), [(2, True, True), (1, True, False), (9, False, False)]
)
def test_a_kind_without_a_socket_works_once_a_worker_stays_up(uptime_s, is_ready, works) -> None:
    """One that boots, or ends soon after, is replaced again and again."""
    kind = WorkerKind(name="channels", description="")
    worker = Worker(pid=1, uptime_s=uptime_s, is_ready=is_ready)

    assert does_work(kind, {"channels": (worker,)}) is works
    assert not does_work(kind, {"channels": ()})
    assert does_work(kind, None)


def test_a_kind_with_a_socket_has_to_answer(master, tmp_path) -> None:
    """Where workers are not known, the master's run counts for the others."""
    process = _process(tmp_path, "lots")
    wait_for(lambda: workers_of(master)["channels"][0].uptime_s >= UP_S)

    assert silent_kinds(process, master) == ["wsgi", "asgi"]
    assert silent_kinds(process, os.getpid()) == ["wsgi", "asgi"]
    assert check(process, planned_state(plan()), master) == ""


def test_each_kind_has_its_workers_state_connections_and_restarts(master, tmp_path) -> None:
    """A kind that does not answer is silent, though its workers run."""
    WorkerRestarts(RESTARTS.path(tmp_path, 1)).add("channels")
    wait_for(lambda: workers_of(master)["channels"][0].uptime_s >= UP_S)
    wsgi, asgi, channels = _statuses(
        tmp_path, master, _process(tmp_path, "lots"), ProgramRole.SERVING
    )

    assert (wsgi.name, wsgi.state, len(wsgi.workers)) == ("wsgi-1", "silent", 2)
    assert (wsgi.connections, wsgi.restarts) == (3, 0)
    assert (asgi.name, asgi.state, asgi.workers) == ("asgi-1", "silent", ())
    assert (channels.name, channels.state, len(channels.workers)) == ("channels-1", "ready", 2)
    assert (channels.connections, channels.restarts) == (None, 1)
    assert channels.description == "Channels worker for lots"


def test_a_kind_that_is_not_planned_is_not_listed(master, tmp_path) -> None:
    """A project without channel names has no such workers."""
    found = _statuses(tmp_path, master, _process(tmp_path), ProgramRole.SERVING)

    assert [each.kind for each in found] == ["wsgi", "asgi"]


def test_a_master_whose_plan_is_forgotten_has_the_kinds_that_run(master, tmp_path) -> None:
    """It drains, and no health check is sent to it."""
    found = _statuses(tmp_path, master, None, ProgramRole.DRAINING)

    assert [(each.kind, each.state, each.description) for each in found] == [
        ("wsgi", "draining", ""),
        ("channels", "draining", ""),
    ]
