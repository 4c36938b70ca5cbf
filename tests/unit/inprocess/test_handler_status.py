"""Each ASGI process writes which handler serves, and how its threads are used."""

import asyncio
import os
import time

import pytest

from django_tandem import environment
from django_tandem.cli import status_rows
from django_tandem.inprocess.handler_status import HandlerStatus, from_environment, read_all

BUSY = {"size": 6, "idle": 1, "queued": 3, "overflow": 2, "rejected": 4}


async def application(scope, receive, send):
    """Answers nothing."""


@pytest.fixture
def run_dir(tmp_path, monkeypatch):
    """Have processes of generation 3 write to a run directory."""
    monkeypatch.setenv(environment.RUN_DIR, str(tmp_path))
    monkeypatch.setenv(environment.GENERATION, "3")
    return tmp_path


def serve(run_dir, counts):
    """Serve one request, and return what is written of it."""
    served = from_environment(application, "django-tandem", lambda: counts)
    assert read_all(run_dir) == ()
    asyncio.run(served({"type": "http"}, None, None))
    until = time.monotonic() + 5
    while not read_all(run_dir) and time.monotonic() < until:
        time.sleep(0.01)
    return read_all(run_dir)


def test_the_counts_of_the_pool_are_written(run_dir):
    """From the first request on."""
    assert serve(run_dir, BUSY) == (
        HandlerStatus(pid=os.getpid(), generation=3, handler="django-tandem", **BUSY),
    )


def test_without_a_pool_the_counts_are_zero(run_dir):
    """No request has needed a thread yet, or Django's own handler serves."""
    (status,) = serve(run_dir, {})

    assert (status.size, status.rejected) == (0, 0)


def test_files_of_killed_processes_are_ignored_and_removed(run_dir):
    """Their pid does not run; a damaged file is nobody's."""
    (run_dir / "handler-4194303.json").write_text(
        '{"pid": 4194303, "generation": 1, "handler": "django"}'
    )
    (run_dir / "handler-1.json").write_text('{"pid": 1, "gen')

    assert serve(run_dir, BUSY) == read_all(run_dir)
    assert [path.name for path in run_dir.glob("*.json")] == [f"handler-{os.getpid()}.json"]


def test_without_a_run_directory_nothing_is_written(monkeypatch):
    """The project serves itself, without `tandem up`."""
    monkeypatch.delenv(environment.RUN_DIR, raising=False)

    assert from_environment(application, "django", dict) is application


def test_another_sentence_adds_up_their_connections():
    """Those that are open, and those that were refused."""
    first = HandlerStatus(pid=1, generation=3, handler="django", websockets=1, refused=4)
    second = HandlerStatus(pid=2, generation=3, handler="django", streams=2)

    assert status_rows.handler_lines([first, second])[2:] == [
        "Generation 3 has 1 WebSocket and 2 event streams open, and has refused 4."
    ]


def test_a_sentence_adds_up_the_processes_of_a_generation():
    """And names Django's handler where that serves."""
    ours = HandlerStatus(pid=1, generation=3, handler="django-tandem", **BUSY)
    djangos = HandlerStatus(pid=2, generation=2, handler="django")

    assert status_rows.handler_lines([ours, ours, djangos]) == [
        "",
        "The ASGI handler of generation 2 is Django's own.",
        "Generation 2 has 0 WebSockets and 0 event streams open, and has refused 0.",
        "The ASGI handler of generation 3 is django-tandem's: 12 threads (2 idle), "
        "4 overflow threads, 6 requests queued and 8 rejected.",
        "Generation 3 has 0 WebSockets and 0 event streams open, and has refused 0.",
    ]
    assert status_rows.handler_lines([]) == []
