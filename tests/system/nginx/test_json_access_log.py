"""Each line of the access log in JSON is an object, for any bytes of a client or a stack."""

import json
import socket

import pytest
from nginx.edges import running_edge
from nginx.scripted import HAND_OVER

from django_tandem.runtime.json_lines import JsonLines
from harness.client import wait_for

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
ANSWER = HEAD + b'X-Tandem-Request: 0.012 0.000432 /a"<x> /\\d/\r\n\r\nok'
FORGED = HEAD + b'X-Tandem-Request: 1,"admin":true /\xff\r\n\r\nok'


HANDSHAKE = ("Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")


@pytest.fixture(scope="module")
def edge(project, nginx_program, sockets):
    with running_edge(project, nginx_program, sockets, LOG_FORMAT="json") as running:
        yield running


def lines(edge, number: int) -> list[dict[str, object]]:
    """Return the last lines of the log, once there are so many more than before."""
    whole = (edge.directory / "log").read_bytes().rpartition(b"\n")[0].splitlines()
    found = [line for line in whole if line.startswith(b"{")]
    return [json.loads(line) for line in JsonLines("nginx").feed(found[-number:])]


def logged(edge, path: str) -> dict[str, object]:
    """Return the line of the request for that path, once it is written."""
    return wait_for(lambda: next((line for line in lines(edge, 20) if line["path"] == path), None))


def test_a_line_has_the_route_and_the_queue_and_the_client_gets_neither(edge, behind) -> None:
    """The route with its quotes, spaces and backslashes, and the time in the queue."""
    behind("wsgi.sock", ANSWER)

    answer = edge.ask("/sync/?token=secret")

    assert not [name for name in answer.headers if "Tandem" in name]
    found = logged(edge, "/sync/")
    assert found["time"].count(":") >= 2
    assert found["time"][19] == "."
    # By two clocks of NGINX, which may differ by a millisecond.
    assert all(0 <= found[name] < 5 for name in ("upstream_s", "duration_s"))
    expected = {
        "level": "info",
        "message": "GET /sync/ 200",
        "method": "GET",
        "route": '/a"<x> /\\d/',
        "stack": "wsgi",
        "handed_over": False,
        "status": 200,
        "bytes": 2,
        "queue_s": 0.012,
        "request_id": answer.headers["X-Request-ID"],
        "client": "127.0.0.1",
        "program": "nginx",
        "generation": None,
    }
    assert found | expected == found
    assert "secret" not in edge.log


def test_what_a_stack_answers_breaks_no_line(edge, behind) -> None:
    """Only a number is taken for one, and bytes that are no text are escaped."""
    behind("wsgi.sock", FORGED)

    edge.ask("/sync/forged")

    found = logged(edge, "/sync/forged")
    assert (found["route"], found["queue_s"]) == ("/\\xff", None)
    assert "admin" not in found


def test_a_handover_is_logged_with_the_stack_that_answered(edge, behind) -> None:
    """And with the durations of that stack alone."""
    behind("wsgi.sock", HAND_OVER)
    behind("asgi.sock", ANSWER)

    edge.ask("/sync/handed")

    found = logged(edge, "/sync/handed")
    assert (found["stack"], found["handed_over"], found["queue_s"]) == ("asgi", True, 0.012)
    assert isinstance(found["upstream_s"], float)


def test_a_websocket_is_logged_with_its_route(edge, behind) -> None:
    """Which the edge finds: Channels does not keep it."""
    behind("asgi.sock", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")

    edge.exchange("GET /socket/?a HTTP/1.1", "Host: x", *HANDSHAKE)

    found = logged(edge, "/socket/")
    assert (found["status"], found["stack"], found["route"]) == (101, "asgi", "/socket/")


def test_without_a_stack_there_are_no_durations_of_one(edge) -> None:
    """JSON has null for them, and the level is that of an error."""
    assert edge.ask("/sync/unserved").status == 503

    found = logged(edge, "/sync/unserved")
    assert (found["stack"], found["level"], found["status"]) == ("edge", "error", 503)
    assert (found["queue_s"], found["route"]) == (None, "")


ODD = (
    b'GET /a"b\\c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"\x00\x1b[31m\xff\r\n\r\n",
    b'G"ET / HTTP/1.1\r\n\r\n',
    b"GET / HTTP/1.1\r\n: \r\n\r\n",
    b"GET /" + b'x"' * 10_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /unfinished HTTP/1.1\r\n",
)


def test_what_a_client_sends_breaks_no_line(edge) -> None:
    """Each request is one object, and none is longer than a collector reads."""
    before = len(lines(edge, 10_000))
    for sent in ODD:
        with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as client:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass

    wait_for(lambda: len(lines(edge, 10_000)) == before + len(ODD))
    found = lines(edge, len(ODD))
    assert all(len(json.dumps(line)) < 10_000 for line in found)
    assert all(isinstance(line["status"], int) for line in found)
    assert {line["path"][:4] for line in found} >= {'/a"b', "/\\xf", '/x"x'}
