"""Requests are sent at their times, and each route has its latencies and errors."""

import asyncio

import pytest
import uvloop
from bench.scripted_server import OK, Client, Script, Server, responding, serving_script

from django_tandem.bench.http_load import TIMED_OUT
from django_tandem.bench.launch import free_address
from django_tandem.bench.replay import load as loads
from django_tandem.bench.replay.load import BROKEN, NOT_SENT, ReplayLoad
from django_tandem.bench.results import RouteResult
from django_tandem.bench.workload import Replay, TimedRequest, Workload

UNSIZED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"


def timed(at_s: float, target: str = "/", **changes) -> TimedRequest:
    given = {"method": "GET", "route": target.partition("?")[0], "status": 200, **changes}
    return TimedRequest(at_s=at_s, target=target, **given)


def _load(port: int, *requests: TimedRequest, headers=()) -> ReplayLoad:
    workload = Workload(name="it", path=None, headers=headers)
    replay = Replay(source="nginx.log", requests=requests)
    return ReplayLoad(f"http://127.0.0.1:{port}", workload, replay)


def _against(script: Script, *requests: TimedRequest, **options) -> tuple[ReplayLoad, Server]:
    async def run() -> tuple[ReplayLoad, Server]:
        async with serving_script(script) as server:
            load = _load(server.port, *requests, **options)
            # Before it runs: no warm-up.
            load.reset()
            await load.run()
            return load, server

    return uvloop.run(run())


def _only(load: ReplayLoad) -> RouteResult:
    (only,) = load.routes()
    return only


def test_a_slow_response_delays_no_other_request() -> None:
    """The first gets its response once the second has arrived."""
    second = asyncio.Event()

    async def script(client: Client) -> None:
        await client.received()
        if b"/slow/" in client.server.requests[-1]:
            await second.wait()
        else:
            second.set()
        client.writer.write(OK)

    load, _ = _against(script, timed(0, "/slow/"), timed(0.05, "/fast/"))

    assert load.answered == 2
    assert [each.route for each in load.routes()] == ["/fast/", "/slow/"]


def test_a_latency_begins_at_the_recorded_time() -> None:
    """A driver that is late would hide the wait, here one of 50 ms by a coarse timer."""

    async def run() -> ReplayLoad:
        async with serving_script(responding(OK)) as server:
            load = _load(server.port, timed(0))
            load.reset()
            await asyncio.sleep(0.05)
            await load.run()
            return load

    assert _only(uvloop.run(run())).latency.worst_ms >= 40


def test_a_request_is_sent_as_it_was_recorded() -> None:
    """With the headers of the workload, on a separate connection."""
    recorded = timed(0, "/lots/?page=2"), timed(0, "/lots/?page=3", method="HEAD")
    load, server = _against(responding(OK), *recorded, headers=(("Cookie", "a=b"),))

    assert sorted(each.partition(b"\r\n")[0] for each in server.requests) == [
        b"GET /lots/?page=2 HTTP/1.1",
        b"HEAD /lots/?page=3 HTTP/1.1",
    ]
    assert all(b"\r\nCookie: a=b\r\n" in each for each in server.requests)
    assert all(b"\r\nConnection: close\r\n" in each for each in server.requests)
    assert (load.answered, server.connections) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "method"),
    [(OK, "GET"), (UNSIZED, "GET"), (HINTS + OK, "GET"), (OK.removesuffix(b"ok"), "HEAD")],
)
def test_a_whole_response_is_recognized(answer, method) -> None:
    """By its length or the end of the connection, and by its head where it has no body."""
    load, _ = _against(responding(answer, times=1), timed(0, method=method))

    assert (load.answered, load.why.total()) == (1, 0)
    assert (_only(load).requests, _only(load).latency.count) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", BROKEN),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nnot all", BROKEN),
        (HINTS, BROKEN),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "status 503"),
    ],
)
def test_an_error_counts_for_its_route(answer, why) -> None:
    """And for all of them."""
    load, _ = _against(responding(answer, times=1), timed(0, "/a/"))

    assert load.why == {why: 1}
    assert _only(load).errors == ((why, 1),)
    assert load.answered == 0


def test_another_status_than_recorded_is_no_error_and_is_counted() -> None:
    """A log has no cookies: a page for users redirects to the login."""
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /login/\r\nContent-Length: 0\r\n\r\n"
    load, _ = _against(
        responding(redirect),
        timed(0, "/a/"),
        timed(0, "/a/", status=302),
        timed(0, "/a/", status=0),
    )

    assert _only(load).changed == (("302 instead of 200", 1),)
    assert (_only(load).errors, load.answered) == ((), 3)


def test_a_request_without_response_times_out(monkeypatch) -> None:
    """The wait is its latency."""
    monkeypatch.setattr(loads, "RESPONSE_TIMEOUT_S", 0.1)

    async def silent(client: Client) -> None:
        while await client.received():
            pass

    load, _ = _against(silent, timed(0))

    assert load.why == {TIMED_OUT: 1}
    assert load.seconds[0] >= 0.09


def test_open_requests_have_an_upper_bound(monkeypatch) -> None:
    """Further ones are errors, so that the result shows them."""
    monkeypatch.setattr(loads, "MOST_OPEN", 1)
    monkeypatch.setattr(loads, "RESPONSE_TIMEOUT_S", 0.2)

    async def silent(client: Client) -> None:
        while await client.received():
            pass

    load, server = _against(silent, timed(0), timed(0.01), timed(0.02))

    assert load.why == {NOT_SENT: 2, TIMED_OUT: 1}
    assert server.connections == 1


def test_a_refused_connection_is_an_error() -> None:
    """With the system's message."""
    load = _load(int(free_address().rpartition(":")[2]), timed(0))

    async def run() -> None:
        load.reset()
        await load.run()

    uvloop.run(run())
    assert load.why == {"no connection: Connection refused": 1}


def test_the_warm_up_sends_each_route_once_and_counts_nothing() -> None:
    """The first request of a route imports its code."""

    async def run() -> tuple[ReplayLoad, Server]:
        warm = asyncio.Event()

        async def script(client: Client) -> None:
            await client.received()
            client.writer.write(OK)
            if len(client.server.requests) == 2:
                warm.set()

        async with serving_script(script) as server:
            load = _load(server.port, timed(0, "/a/?1"), timed(0, "/a/?2"), timed(0, "/b/"))
            running = asyncio.create_task(load.run())
            await warm.wait()
            assert load.routes() == ()
            load.reset()
            await running
            return load, server

    load, server = uvloop.run(run())

    assert [each.split()[1] for each in server.requests[:2]] == [b"/b/", b"/a/?1"]
    assert (load.answered, len(server.requests)) == (3, 5)
