"""Each server serves the same project in the same way, started for real on a Unix socket."""

import asyncio
import hashlib
import json
from contextlib import suppress

import aiohttp
import pytest

from django_tandem.runtime.json_lines import JsonLines
from django_tandem.runtime.workers import read_slots
from django_tandem.servers import ASGI_SERVERS
from harness.client import wait_for
from harness.server import process_ids
from servers.conftest import title

MEGABYTE = bytes(range(256)) * 4096


on_asgi = pytest.mark.parametrize("running", ASGI_SERVERS, ids=title, indirect=True)


def test_a_view_answers(running):
    """GET reaches a plain view."""
    response = running.ask()

    assert (response.status, response.body) == (200, b"plain")


def test_an_async_view_answers(running):
    """A coroutine view answers on both stacks."""
    assert running.ask(path="/awaited").body == b"awaited"


def test_head_has_the_headers_of_get_and_no_body(running):
    """HEAD has the length of the body of GET."""
    response = running.ask("HEAD")

    assert (response.status, response.headers["Content-Length"]) == (200, "5")
    assert response.body == b""


def test_the_stack_names_no_server(running):
    """No header names the server, where the server has an option for that."""
    named = running.ask().headers.get("Server")

    names = {"gunicorn-wsgi": "gunicorn", "gunicorn-asgi": "gunicorn/asgi"}
    named_anyway = {**names, "granian-wsgi": "granian", "granian-asgi": "granian"}
    assert named == named_anyway.get(title(running.server))


@pytest.mark.parametrize("body", [b"", b"x", MEGABYTE], ids=["empty", "one byte", "1 MB"])
def test_a_body_of_known_length_arrives_whole(running, body):
    """A POST with Content-Length reaches the view byte for byte."""
    response = running.ask("POST", "/upload", body)

    assert json.loads(response.body) == digest(body)


@on_asgi
@pytest.mark.parametrize("body", [b"x", MEGABYTE], ids=["one byte", "1 MB"])
def test_a_chunked_body_arrives_whole(running, body):
    """A POST without Content-Length reaches the view byte for byte; WSGI gets it from the edge."""
    pieces = (body[start : start + 50_000] for start in range(0, len(body), 50_000))

    response = running.ask(
        "POST", "/upload", pieces, {"Transfer-Encoding": "chunked"}, chunked=True
    )

    assert json.loads(response.body) == digest(body)


def test_two_workers_are_two_processes(running):
    """Bursts of requests are answered by two processes, where the server can have them."""
    if running.server.one_process:
        assert len(process_ids(running)) == 1
    else:
        seen = set()
        # A quick process may well answer a whole burst on its own.
        wait_for(lambda: seen.update(process_ids(running)) or len(seen) == 2)


def test_a_burst_waits_its_turn(running):
    """Two hundred requests at once are all answered: on a full queue they would be refused."""
    statuses = asyncio.run(burst(running.socket, "/process", 200))

    assert statuses == [200] * 200


@on_asgi
def test_a_websocket_echoes(running):
    """A WebSocket is accepted, and carries text both ways."""
    assert asyncio.run(echo(running.socket, "/ws/echo", "Grüße")) == "echo Grüße"


@on_asgi
def test_broadcasts_arrive_in_order_whatever_room_the_server_has(running):
    """More than its buffers take: some are written at once, others wait for the client to read."""
    assert asyncio.run(broadcasts(running.socket, "/ws/broadcasting", 300)) == list(range(300))


@on_asgi
def test_a_websocket_without_a_route_is_rejected_in_the_handshake(running):
    """An unknown WebSocket path is rejected, with one line in the log and no traceback."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        asyncio.run(echo(running.socket, "/ws/nowhere", "?"))

    # It offers no way to answer a handshake with a status of one's own.
    assert refused.value.status == (403 if running.server.name == "gunicorn" else 404)
    wait_for(lambda: "WebSocket /ws/nowhere rejected" in running.log)
    assert "Traceback" not in running.log
    assert "error" not in {line["level"] for line in log_of(running)}


@on_asgi
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/ws/echo", {"Cookie": "a=" + "x" * 16_000}),
        ("/ws/echo?q=" + "x" * 16_000, {}),
        ("/ws/echo", {f"X-Number-{number}": "x" for number in range(200)}),
    ],
    ids=["cookie of 16 kB", "query of 16 kB", "200 headers"],
)
def test_a_handshake_may_be_as_large_as_a_request(running, path, headers):
    """The edge accepts it, and a plain request with the same headers is served."""
    if running.server.name == "granian" and len(headers) == 200:
        # It accepts a hundred, by HTTP as well.
        with pytest.raises(aiohttp.WSServerHandshakeError, match="431"):
            asyncio.run(echo(running.socket, path, "x", headers=headers))
        return

    assert asyncio.run(echo(running.socket, path, "x", headers=headers)) == "echo x"


@on_asgi
def test_a_health_check_is_not_logged(running):
    """Neither by HTTP nor by WebSocket, as each `tandem status` makes one."""
    before = running.log
    running.ask(path="/.tandem/ready")
    with suppress(TypeError):
        asyncio.run(echo(running.socket, "/.tandem/ready", "x"))

    assert running.log == before


def log_of(running) -> list[dict[str, object]]:
    """Return the lines of a server's log as `tandem up` prints them in JSON."""
    lines = JsonLines("server-1")
    found = [*lines.feed(running.log.encode().splitlines()), *lines.finish()]
    return [json.loads(line) for line in found]


def digest(body):
    return {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()}


async def burst(path, url, count):
    # Like the edge, which keeps no connections: Waitress counts those that are open.
    headers = {"Connection": "close"}
    connector = aiohttp.UnixConnector(str(path), limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask():
            async with session.get(f"http://project.test{url}", headers=headers) as response:
                return response.status

        return await asyncio.gather(*(ask() for _ in range(count)))


async def echo(path, url, text, headers=None):
    connector = aiohttp.UnixConnector(str(path))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(f"http://project.test{url}", headers=headers) as websocket,
    ):
        await websocket.send_str(text)
        return await websocket.receive_str(timeout=10)


async def broadcasts(path, url, count):
    """Return the numbers of so many broadcasts, in the order of their arrival."""
    connector = aiohttp.UnixConnector(str(path))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(f"http://project.test{url}") as websocket,
    ):
        await websocket.send_str(str(count))
        return [(await websocket.receive_json(timeout=10))[0] for _ in range(count)]


def test_a_record_of_the_project_is_an_object_with_its_request(running):
    """With the level and the traceback, which a line of text would not have."""
    headers = {"X-Real-IP": "192.0.2.1", "X-Request-ID": "abc", "X-Request-Start": "t=1.000"}
    response = running.ask(path="/logs", headers=headers)

    assert response.body == b"abc"
    queue, cpu, *_, route = response.headers["X-Tandem-Request"].split()
    assert route == "/logs$"
    assert float(queue) > 0
    assert float(cpu) > 0
    found = wait_for(lambda: [line for line in log_of(running) if line["message"] == "it failed"])
    assert {**found[0], "time": ""} | {"exception": ""} == {
        "time": "",
        "level": "error",
        "logger": "project.views",
        "message": "it failed",
        "exception": "",
        "request_id": "abc",
        "program": "server",
        "generation": 1,
    }
    assert found[0]["exception"].endswith("\nZeroDivisionError: division by zero")


def test_each_worker_that_has_a_request_has_a_slot(running):
    """In the process that serves, and not in the one that it is forked from."""
    pid = json.loads(running.ask(path="/process").body)["pid"]

    def slot():
        return next((each for each in read_slots(running.directory) if each.pid == pid), None)

    assert slot().stack == running.server.stack
    # A server may close the body after its client has it.
    wait_for(lambda: slot().requests >= 1 and not slot().in_flight_count)
