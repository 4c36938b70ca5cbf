"""Each request is counted once: by its route, its method, its status, and the stack."""

import asyncio
import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from harness.client import ask, open_stream, wait_for
from harness.projects import with_channels
from harness.stack import Up
from system.monitor.counting_load import Counts, Known, leave, send_all

VIEWS = """
import asyncio, time
from django.http import HttpResponseNotFound, StreamingHttpResponse


def sync(request, number):
    return HttpResponse("sync", status=201 if request.method == "POST" else 200)


def gone(request):
    return HttpResponseNotFound("gone")


def failing(request):
    raise RuntimeError


def sleeping(request, ms):
    time.sleep(ms / 1000)
    return HttpResponse("slept")


async def asynchronous(request):
    return HttpResponse("async")


async def waiting(request, ms):
    await asyncio.sleep(ms / 1000)
    return HttpResponse("waited")


async def events(request):
    async def parts():
        yield "data: 1\\n\\n"
        yield "data: 2\\n\\n"
    return StreamingHttpResponse(parts(), content_type="text/event-stream")


urlpatterns += [
    path("sync/<int:number>/", sync),
    path("gone/", gone),
    path("failing/", failing),
    path("sleeping/<int:ms>/", sleeping),
    path("async/", asynchronous),
    path("waiting/<int:ms>/", waiting),
    path("events/", events),
    # The edge sends such a path to WSGI, which hands it over.
    path("x/../handed/", asynchronous),
]
"""
SETTINGS = """
DEBUG = False
ALLOWED_HOSTS = ["*"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
LOGGING_CONFIG = None
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "collected"
TANDEM = {"WSGI": {"WORKERS": 2, "QUEUE": 8, "TIMEOUT_S": 1}, "ASGI": {"WORKERS": 1}}
"""
# All of them in `make soak`.
REQUESTS = int(os.environ.get("COUNTED_REQUESTS", "2000"))
MIXED = (
    Known("/sync/<int:number>/", "/sync/7/?q=secret"),
    Known("/sync/<int:number>/", "/sync/8/", "POST"),
    Known("/gone/", "/gone/"),
    Known("/failing/", "/failing/"),
    Known("/async/", "/async/"),
    Known("/async/", "/async/", "POST"),
    Known("/x/../handed/", "/x/../handed/"),
    Known("(unmatched)", "/no/such/path"),
    Known("(edge)", "/static/file.txt"),
    Known("(unmatched)", "/static/missing.txt"),
)
DURATIONS = "http_server_request_duration_seconds"


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    directory = with_channels(tmp_path_factory.mktemp("counted"))
    for name, text in (("urls", VIEWS), ("settings", SETTINGS)):
        file = directory / "mysite" / f"{name}.py"
        file.write_text(file.read_text() + text)
    (directory / "collected").mkdir()
    (directory / "collected" / "file.txt").write_text("a file")
    with Up(directory) as running:
        yield running


def get(run_dir: Path, target: str) -> str:
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(run_dir / "metrics.sock"))
    connection.request("GET", target)
    return connection.getresponse().read().decode()


def samples(up: Up) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return the samples of the page by name."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(get(up.run_dir, "/metrics")):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def counted(up: Up) -> Counts:
    """Return the requests on the page."""
    found = Counts()
    for labels, value in samples(up).get(f"{DURATIONS}_count", []):
        key = labels["http_route"], labels["http_request_method"]
        found[*key, int(labels["http_response_status_code"])] += int(value)
    return found


def total(up: Up, name: str) -> float:
    return sum(value for _, value in samples(up).get(name, []))


def load(up: Up) -> Counts:
    """Send the requests; return what became of them."""
    mixed = [MIXED[number % len(MIXED)] for number in range(REQUESTS)]
    sent = asyncio.run(send_all(up.port, mixed, at_a_time=6))
    # Two are in progress, nine may wait, and the edge rejects the others.
    overloading = [Known("/sleeping/<int:ms>/", "/sleeping/300/")] * 30
    sent += asyncio.run(send_all(up.port, overloading, at_a_time=30))
    late = [Known("/sleeping/<int:ms>/", "/sleeping/1300/")]
    sent += asyncio.run(send_all(up.port, late, at_a_time=1))
    leaving = [Known("/waiting/<int:ms>/", "/waiting/5000/")] * 10
    sent += asyncio.run(leave(up.port, leaving, after_s=0.3))
    return sent


def test_each_request_is_counted_once(up) -> None:
    """Also those that no worker answered: 499, 503 and 504; and each handover once."""
    before = counted(up)
    sent = load(up)

    assert {status for *_, status in sent} == {200, 201, 404, 499, 500, 503, 504}
    wanted = before + sent
    wait_for(lambda: counted(up).total() >= wanted.total())
    assert counted(up) == wanted
    handovers = samples(up)["tandem_handovers_total"]
    handed = sent["/x/../handed/", "GET", 200]
    assert handovers == [({"http_route": "/x/../handed/", "to": "asgi"}, handed)]
    assert total(up, "tandem_monitor_lines_lost_total") == 0


def test_long_connections_are_counted_by_the_workers(up) -> None:
    """WebSockets with their messages and codes, and event streams; neither has a duration."""
    before = counted(up)
    for name in ("a", "b"):
        with connect(f"ws://127.0.0.1:{up.port}/echo/{name}/") as websocket:
            for number in range(3):
                websocket.send(str(number))
                websocket.recv()
    open_stream(up.port, "/events/", for_s=0.5)

    wait_for(lambda: total(up, "tandem_websocket_closes_total") == 2)
    wait_for(lambda: total(up, "tandem_stream_ends_total") == 1)
    found = samples(up)
    assert {each["direction"]: n for each, n in found["tandem_websocket_messages_total"]} == {
        "received": 6,
        "sent": 6,
    }
    assert found["tandem_websocket_closes_total"] == [({"code": "1000"}, 2)]
    assert counted(up) == before


@pytest.mark.timed
def test_the_duration_of_a_route_is_what_its_clients_measured(up) -> None:
    """Within 2 %."""
    target, route = "/waiting/500/", "/waiting/<int:ms>/"

    def measured() -> tuple[float, float]:
        of_route = [
            [value for labels, value in samples(up).get(f"{DURATIONS}_{what}", [])
             if labels["http_route"] == route and labels["http_response_status_code"] == "200"]
            for what in ("count", "sum")
        ]  # fmt: skip
        return sum(of_route[0]), sum(of_route[1])

    count, seconds = measured()
    ask(up.port, target)
    began = time.monotonic()
    for _ in range(3):
        ask(up.port, target)
    by_client = (time.monotonic() - began) / 3
    wait_for(lambda: measured()[0] == count + 4)

    by_edge = (measured()[1] - seconds) / 4
    assert by_edge == pytest.approx(by_client, rel=0.02)


def test_the_snapshot_shows_the_stacks_and_their_workers(up) -> None:
    """With what the slots and the kernel know of them."""
    ask(up.port, "/sync/1/")

    def snapshot():
        found = json.loads(get(up.run_dir, "/snapshot.json"))
        return (
            found if any(each["route"].startswith("/sync/") for each in found["routes"]) else None
        )

    found = wait_for(snapshot)
    stacks = {each["stack"]: each for each in found["stacks"]}
    assert (found["generation"], found["lost_lines"]) == (1, 0)
    assert (stacks["wsgi"]["workers"], stacks["asgi"]["workers"]) == (2, 1)
    assert (stacks["wsgi"]["queue_length"], stacks["wsgi"]["queue_limit"]) == (0, 8)
    assert stacks["wsgi"]["traffic"]["requests_per_s"] > 0
    assert all(each["rss_mb"] > 5 for each in found["workers"])
    assert [mark["kind"] for mark in found["marks"]] == ["start"]
