"""Each request is counted once: by its route, its method, its status, and the stack."""

import asyncio
import json
import os
import time

import pytest
from websockets.sync.client import connect

from harness.client import ask, open_stream, wait_for
from harness.stack import Up
from system.monitor.counting_load import Counts, Known, leave, send_all
from system.monitor.metrics_page import DURATIONS, counted, get, samples, total

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
