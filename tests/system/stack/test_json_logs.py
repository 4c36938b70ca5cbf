"""With --log-format json each line of a stack's output is one JSON object, for all programs."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from harness.client import ask, wait_for
from harness.projects import with_channels
from harness.stack import Up, tandem

VIEWS = """
import asyncio, json, logging, sys, threading, traceback
from asgiref.sync import sync_to_async

logger = logging.getLogger("shop")


def sync(request, number):
    logger.info("on wsgi", extra={"number": number, "odd": object})
    return HttpResponse("sync")


def failing(request):
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("it failed")
        traceback.print_exc()
    print(json.dumps({"event": "sold", "program": "shop", "amount": 1.50}))
    print('{"exact": 1.50}')
    return HttpResponse("failing")


async def asynchronous(request):
    logger.info("on asgi")
    await sync_to_async(logger.info)("on a thread")
    await asyncio.create_task(asyncio.to_thread(logger.info, "in a task"))
    return HttpResponse("async")


def raising(request):
    raise RuntimeError("not caught by the view")


urlpatterns += [
    path("sync/<int:number>/", sync),
    path("failing/", failing),
    path("raising/", raising),
    path("async/", asynchronous),
    # The edge sends such a path to WSGI.
    path("x/../handed/", asynchronous),
]
"""
HANDLERS = """
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
"""
CONSUMER = """
import logging
from channels.consumer import SyncConsumer
from channels.routing import ChannelNameRouter


class Worker(SyncConsumer):
    def work(self, event):
        logging.getLogger("shop").info("in a Channels worker")


application.application_mapping["channel"] = ChannelNameRouter({"lots": Worker.as_asgi()})
"""
SENDING = """

def send(request):
    async_to_sync(get_channel_layer().send)("lots", {"type": "work"})
    return HttpResponse("sent")


urlpatterns += [path("send/", send)]
"""
# Binary noise, 1 MB without the end of a line, an object, text, and a traceback.
NOISE = """
import os, sys, time
os.write(1, bytes(range(256)) * 20 + b"\\n")
os.write(1, b"x" * 1_000_000 + b"\\n")
os.write(1, b'{"from": "noise", "bytes": "\\xff"}\\ntext\\n')
try:
    {}["key"]
except KeyError:
    try:
        int("x")
    except ValueError:
        import traceback; traceback.print_exc()
os.write(1, b"noise is over\\n")
time.sleep(600)
"""


TANDEM = {
    "PROGRAMS": {"noise": [sys.executable, "noise.py"]},
    "WSGI": {"WORKERS": 1},
    "ASGI": {"WORKERS": 1},
}
# A line of the consumer, and one before it.
ECHO = "        await self.send(text_data="
LOGGING_ECHO = f'        logging.getLogger("shop").info("in a consumer")\n{ECHO}'


def make(directory: Path) -> Path:
    """A project whose parts all log, in their own ways."""
    with_channels(directory)
    settings = f"{HANDLERS}\nDEBUG = False\nALLOWED_HOSTS = ['*']\nTANDEM = {TANDEM!r}\n"
    added = {"urls": VIEWS + SENDING, "settings": settings, "asgi": CONSUMER}
    for name, text in added.items():
        file = directory / "mysite" / f"{name}.py"
        file.write_text(file.read_text().replace(ECHO, LOGGING_ECHO) + text)
    (directory / "noise.py").write_text(NOISE)
    return directory


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    """One stack of all programs, which each test leaves serving."""
    directory = make(tmp_path_factory.mktemp("json"))
    with Up(directory, args=("--log-format", "json")) as running:
        yield running


def objects(up: Up) -> list[dict[str, Any]]:
    """Return what each line on stdout and stderr is, up to the last whole one."""
    return [json.loads(line) for line in list(up._lines) if line.endswith("\n")]


def find(up: Up, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the first object of which that holds, once it is printed."""
    return wait_for(lambda: next(filter(holds, objects(up)), None))


def of_message(up: Up, message: str, **keys: Any) -> dict[str, Any]:
    """Return the first object with that message and those keys."""
    wanted = {"message": message, **keys}
    return find(up, lambda found: found | wanted == found)


def request(up: Up, target: str) -> str:
    """Send a request, and return its id."""
    answer = ask(up.port, target)
    assert answer.status == 200
    return answer.headers["X-Request-ID"]


def test_each_line_is_an_object_with_what_collectors_read(up) -> None:
    """Of tandem, of each program and of each kind of the master's workers."""
    request(up, "/send/")
    with connect(f"ws://127.0.0.1:{up.port}/echo/a/", origin=f"http://127.0.0.1:{up.port}") as ws:
        ws.send("hello")
        ws.recv()
    for number in range(50):
        request(up, f"/sync/{number}/")
        request(up, "/failing/")
    of_message(up, "in a Channels worker", program="channels", generation=1)
    of_message(up, "in a consumer", program="asgi")
    of_message(up, "noise is over")
    found = wait_for(
        lambda: (
            len([each for each in objects(up) if each["program"] == "nginx"]) > 100 and objects(up)
        )
    )

    own = ("sold", "exact", "from")
    texts = [each for each in found if not any(key in each for key in ("event", *own))]
    assert all(
        {"time", "program", "generation", "level", "message"} <= each.keys() for each in texts
    )
    assert {each["level"] for each in texts} <= {"info", "warning", "error"}
    assert all(each["time"].endswith("+00:00") for each in texts)
    assert {each["program"] for each in texts} >= {
        *("tandem", "nginx", "wsgi", "asgi", "channels", "noise"),
    }


def test_a_record_has_its_logger_its_extras_and_the_request(up) -> None:
    """Also what the format string of the project's formatter leaves out."""
    request_id = request(up, "/sync/7/")

    found = of_message(up, "on wsgi", request_id=request_id)
    assert {**found, "time": ""} == {
        "time": "",
        "level": "info",
        "logger": "shop",
        "message": "on wsgi",
        "number": 7,
        "odd": "<class 'object'>",
        "request_id": request_id,
        "program": "wsgi",
        "generation": 1,
    }


def test_a_traceback_is_one_object(up) -> None:
    """In a record of the project, printed by it, and printed by a program."""
    request_id = request(up, "/failing/")

    logged = of_message(up, "it failed", request_id=request_id)
    assert logged["level"] == "error"
    assert logged["exception"].startswith("Traceback (most recent call last):\n")
    assert logged["exception"].endswith("\nZeroDivisionError: division by zero")
    printed = of_message(up, "ZeroDivisionError: division by zero")
    assert printed["exception"] == logged["exception"]
    chained = of_message(up, "ValueError: invalid literal for int() with base 10: 'x'")
    assert chained["program"] == "noise"
    assert chained["exception"].count("Traceback (most recent call last):") == 2


def test_an_error_that_no_view_catches_has_its_traceback_and_its_request(up) -> None:
    """Django logs it, and the edge logs its status as an error."""
    answer = ask(up.port, "/raising/")

    request_id = answer.headers["X-Request-ID"]
    logged = of_message(up, "Internal Server Error: /raising/", request_id=request_id)
    assert (logged["logger"], logged["status_code"]) == ("django.request", 500)
    assert logged["exception"].endswith("\nRuntimeError: not caught by the view")
    assert of_message(up, "GET /raising/ 500", request_id=request_id)["level"] == "error"


def test_an_object_of_the_project_keeps_its_keys(up) -> None:
    """Ours are added where they do not clash."""
    request(up, "/failing/")

    sold = find(up, lambda found: "event" in found)
    assert sold == {"event": "sold", "program": "shop", "amount": 1.5, "generation": 1}
    assert '{"exact": 1.50, "program": "wsgi", "generation": 1}\n' in up.output
    assert find(up, lambda found: "from" in found)["bytes"] == "\\xff"


def test_long_lines_and_bytes_that_are_no_text_are_objects_too(up) -> None:
    """Cut where a line is, and escaped."""
    of_message(up, "noise is over")
    messages = [each.get("message", "") for each in objects(up) if each["program"] == "noise"]

    assert sum(message.count("x") for message in messages if set(message) == {"x"}) == 1_000_000
    assert any("\\xff" in message for message in messages)


def test_an_access_line_has_the_route_and_the_durations(up) -> None:
    """The path without its query, which may have a secret."""
    request_id = request(up, "/sync/12/?token=secret")

    found = of_message(up, "GET /sync/12/ 200", request_id=request_id)
    for name in ("duration_s", "upstream_s", "queue_s"):
        assert 0 <= found.pop(name) < 10
    assert {**found, "time": ""} == {
        "time": "",
        "level": "info",
        "message": "GET /sync/12/ 200",
        "method": "GET",
        "path": "/sync/12/",
        "route": "/sync/<int:number>/",
        "stack": "wsgi",
        "handed_over": False,
        "status": 200,
        "bytes": 4,
        "request_id": request_id,
        "client": "127.0.0.1",
        "program": "nginx",
        "generation": None,
    }
    assert "secret" not in up.output


def test_the_headers_for_the_access_log_reach_no_client(up) -> None:
    """The route and the queue are in headers of the response."""
    for target in ("/sync/1/", "/async/"):
        assert not [name for name in ask(up.port, target).headers if "tandem" in name.lower()]


def test_a_file_or_an_error_of_the_edge_has_no_durations_of_a_stack(up) -> None:
    """JSON has null for them."""
    answer = ask(up.port, "/sync/1/", "POST", [("Content-Length", str(2**40))])

    found = of_message(up, "POST /sync/1/ 413", request_id=answer.headers["X-Request-ID"])
    assert (found["stack"], found["upstream_s"], found["queue_s"], found["route"]) == (
        "edge",
        None,
        None,
        "",
    )


def test_the_request_id_is_the_same_after_a_handover(up) -> None:
    """Both stacks and the edge log it; so do threads and tasks of the view."""
    request_id = request(up, "/x/../handed/")

    access = of_message(up, "GET /x/../handed/ 200", request_id=request_id)
    assert (access["stack"], access["handed_over"]) == ("asgi", True)
    assert access["route"] == "/x/../handed/"
    for message in ("on asgi", "on a thread", "in a task"):
        assert of_message(up, message, request_id=request_id)["program"] == "asgi"


def test_a_consumer_logs_the_id_of_its_handshake(up) -> None:
    """The response of the handshake has it, and so has the access log."""
    with connect(f"ws://127.0.0.1:{up.port}/echo/b/", origin=f"http://127.0.0.1:{up.port}") as ws:
        request_id = ws.response.headers["X-Request-ID"]
        ws.send("hello")
        ws.recv()

    assert of_message(up, "in a consumer", request_id=request_id)["program"] == "asgi"
    access = of_message(up, "GET /echo/b/ 101", request_id=request_id)
    assert (access["stack"], access["route"]) == ("asgi", "/echo/<slug:name>/")


def test_the_logs_of_one_request(up) -> None:
    """For a person, and as JSON."""
    request_id = request(up, "/sync/3/")
    of_message(up, "GET /sync/3/ 200", request_id=request_id)

    as_text = tandem(up.directory, "logs", "--request", request_id).stdout
    as_json = tandem(up.directory, "logs", "--request", request_id, "--json").stdout
    assert "wsgi-1     | " in as_text
    assert f" INFO on wsgi logger=shop request_id={request_id} number=3 odd=" in as_text
    assert " INFO GET /sync/3/ 200 route=/sync/<int:number>/ stack=wsgi" in as_text
    assert {json.loads(line)["program"] for line in as_json.splitlines()} == {"wsgi", "nginx"}
