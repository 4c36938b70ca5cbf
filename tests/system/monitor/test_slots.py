"""The slots of a running stack show what each of its workers does."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from websockets.sync.client import connect

from django_tandem.model.scoreboard import WorkerSlot
from django_tandem.runtime.workers import read_slots
from harness.client import ask, wait_for
from harness.projects import with_channels
from harness.stack import Up, tandem

VIEWS = """
import asyncio, os, time
from pathlib import Path
from django.db import connection
from django.http import StreamingHttpResponse

GATE = Path(__file__).with_name("gate")


def wait_for_the_gate():
    while GATE.exists():
        time.sleep(0.01)


def held(request, number):
    connection.ensure_connection()
    wait_for_the_gate()
    return HttpResponse(str(os.getpid()))


async def held_async(request):
    while GATE.exists():
        await asyncio.sleep(0.01)
    return HttpResponse("async")


async def events(request, name):
    async def parts():
        while True:
            yield "data: 1\\n\\n"
            await asyncio.sleep(0.05)
    return StreamingHttpResponse(parts(), content_type="text/event-stream")


urlpatterns += [
    path("held/<int:number>/", held),
    path("held-async/", held_async),
    path("events/<str:name>/", events),
]
"""
SETTINGS = """
DEBUG = False
ALLOWED_HOSTS = ["*"]
LOGGING_CONFIG = None
DATABASES["default"]["CONN_MAX_AGE"] = None
TANDEM = {"WSGI": {"WORKERS": 2}, "ASGI": {"WORKERS": 1}, "SLOW_S": 0.5, "LOG_FORMAT": "json"}
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    directory = with_channels(tmp_path_factory.mktemp("slots"))
    for name, text in (("urls", VIEWS), ("settings", SETTINGS)):
        file = directory / "mysite" / f"{name}.py"
        file.write_text(file.read_text() + text)
    with Up(directory) as running:
        yield running


@pytest.fixture
def gate(up) -> Iterator[Path]:
    """Hold the views for as long as it exists."""
    path = up.directory / "mysite" / "gate"
    path.touch()
    yield path
    path.unlink(missing_ok=True)


def slots(up: Up, stack: str) -> list[WorkerSlot]:
    return [slot for slot in read_slots(up.run_dir) if slot.stack == stack]


def asgi(up: Up) -> WorkerSlot:
    (slot,) = slots(up, "asgi")
    return slot


def test_each_worker_has_a_slot_from_its_start_and_the_master_has_none(up) -> None:
    """Before its first request."""
    processes = json.loads(tandem(up.directory, "status", "--json").stdout)["processes"]
    (master,) = (each for each in processes if each["program"] == "master-1")
    workers = {kind["stack"]: [each["pid"] for each in kind["workers"]] for kind in master["kinds"]}

    assert {stack: [each.pid for each in slots(up, stack)] for stack in workers} == workers
    assert {slot.generation for slot in read_slots(up.run_dir)} == {1}
    assert asgi(up).handler == "django-tandem"
    assert asgi(up).lag_s is not None
    assert {slot.lag_s for slot in slots(up, "wsgi")} == {None}


def test_the_requests_in_progress_are_those_of_the_workers(up, gate) -> None:
    """With their routes; they are counted once they end."""
    before = {slot.pid: slot.requests for slot in read_slots(up.run_dir)}
    with ThreadPoolExecutor(3) as pool:
        urls = ("/held/7/?q=secret", "/held/8/", "/held-async/")
        asked = [pool.submit(ask, up.port, url) for url in urls]
        wait_for(lambda: sum(slot.in_flight_count for slot in read_slots(up.run_dir)) == 3)
        during = wait_for(lambda: found if all(routes(found := shown(up))) else None)
        gate.unlink()
        bodies = [each.result().text for each in asked]

    assert during == {
        ("wsgi", "GET", "/held/7/", "/held/<int:number>/"),
        ("wsgi", "GET", "/held/8/", "/held/<int:number>/"),
        ("asgi", "GET", "/held-async/", "/held-async/"),
    }
    assert bodies[2] == "async"
    assert {int(pid) for pid in bodies[:2]} == {slot.pid for slot in slots(up, "wsgi")}
    wait_for(lambda: not any(slot.in_flight_count for slot in read_slots(up.run_dir)))
    for slot in read_slots(up.run_dir):
        assert slot.requests == before[slot.pid] + 1
        assert slot.busy_s > 0


def shown(up: Up) -> set[tuple[str, str, str, str]]:
    return {
        (slot.stack, each.method, each.path, each.route)
        for slot in read_slots(up.run_dir)
        for each in slot.in_flight
    }


def routes(found: set[tuple[str, str, str, str]]) -> list[str]:
    return [route for *_, route in found]


def test_a_kept_database_connection_is_counted(up) -> None:
    """By its alias, in the worker that has it."""
    pid = int(ask(up.port, "/held/1/").text)

    def connections() -> dict[int, dict[str, int]]:
        return {slot.pid: slot.database_connections for slot in slots(up, "wsgi")}

    # The details are written with a request, at most once a second.
    wait_for(lambda: ask(up.port, "/held/1/") and connections()[pid])
    assert connections()[pid] == {"default": 1}


def test_a_slow_request_is_logged_with_its_route_and_its_stack(up, gate) -> None:
    """On WSGI with that of its thread, on ASGI with that of its task."""
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, up.port, url) for url in ("/held/9/", "/held-async/")]
        lines = wait_for(lambda: found if len(found := slow_lines(up)) == 2 else None)
        gate.unlink()
        assert [each.result().status for each in asked] == [200, 200]

    by_stack = {line["stack"]: line for line in lines}
    wsgi, task = by_stack["wsgi"], by_stack["asgi"]
    assert (wsgi["route"], task["route"]) == ("/held/<int:number>/", "/held-async/")
    assert wsgi["stack_info"].startswith("Call stack of its thread (most recent call last):")
    assert "in wait_for_the_gate" in wsgi["stack_info"]
    assert task["stack_info"].startswith("Call stack of its task (most recent call last):")
    assert "in held_async" in task["stack_info"]
    for line in lines:
        assert line["level"] == "warning"
        assert len(line["request_id"]) == 32
        assert line["duration_s"] >= 0.5
        assert 0 <= line["cpu_share"] < 0.5
        assert line["queue_s"] >= 0


def slow_lines(up: Up) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in up.output.splitlines() if "django_tandem.slow" in line]
    return [line for line in lines if line["path"] != "/held/7/"][-2:]


def test_connections_are_counted_by_their_routes(up) -> None:
    """A stream is no request in progress."""
    with (
        connect(f"ws://127.0.0.1:{up.port}/echo/a/") as websocket,
        socket.create_connection(("127.0.0.1", up.port), timeout=10) as stream,
    ):
        websocket.send("hello")
        websocket.recv()
        stream.sendall(b"GET /events/b/ HTTP/1.1\r\nHost: a\r\n\r\n")
        stream.recv(1024)
        during = wait_for(lambda: slot if (slot := asgi(up)).streams else None)
    wait_for(lambda: not asgi(up).streams and asgi(up).closes)
    after = asgi(up)

    assert during.streams == {"/events/<str:name>/": 1}
    assert [(count, "echo" in route) for route, count in during.websockets.items()] == [(1, True)]
    assert during.in_flight_count == 0
    assert (during.messages.received, during.messages.sent) == (1, 1)
    assert (after.closes, after.stream_ends) == ({"1000": 1}, {"left": 1})


def test_a_killed_worker_has_no_slot_and_its_successor_removes_the_file(up) -> None:
    """Nothing of it is left in shared memory."""
    killed = asgi(up).pid
    path = up.run_dir / "scoreboard" / str(killed)
    memory = path.readlink()
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: any(slot.pid != killed for slot in slots(up, "asgi")))

    assert asgi(up).pid != killed
    assert not path.is_symlink()
    assert not memory.exists()
