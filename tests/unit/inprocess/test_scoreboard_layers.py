"""The layers write each request to the slot, and measure its CPU time."""

import asyncio
import contextvars
import threading
import time

import oracle.configured  # noqa: F401 - to import it is to configure Django
import pytest
from asgiref.sync import sync_to_async
from inprocess.calling import call, http, websocket

from django_tandem.handler.cpu_time import CpuTime
from django_tandem.handler.pools import request_pool
from django_tandem.handler.switching import RequestExecutor, run_on
from django_tandem.handler.switching import undo_run_on as undo
from django_tandem.inprocess.connection_counts import ROUTE
from django_tandem.inprocess.handover import AsgiHandover, WsgiHandover
from django_tandem.inprocess.proxy_headers import AsgiProxyHeaders, WsgiProxyHeaders
from django_tandem.inprocess.routed_request import ROUTED_REQUEST
from django_tandem.inprocess.scoreboard import REQUEST, Scoreboard
from django_tandem.inprocess.scoreboard_layers import AsgiScoreboard, WsgiScoreboard
from django_tandem.runtime.workers import read_slots

COMPUTED_S = 0.03
START = "t=9999999999.000"
EDGE = {"HTTP_X_REAL_IP": "192.0.2.1", "HTTP_X_REQUEST_START": START, "HTTP_X_REQUEST_ID": "id-1"}
HEADERS = [
    (b"x-real-ip", b"192.0.2.1"),
    (b"x-request-start", START.encode()),
    (b"x-request-id", b"id-1"),
]
OK = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body", "body": b"ok"}


@pytest.fixture
def board(tmp_path, monkeypatch):
    """Make the scoreboard of a stack whose edge reads the CPU time."""
    monkeypatch.setenv("TANDEM_MONITOR", "1")
    board = Scoreboard(tmp_path, "wsgi", 1, dict, measures_cpu=True)
    board.start()
    yield board
    board.remove()


def read(board):
    """Return the one slot."""
    (slot,) = read_slots(board.run_dir)
    return slot


def compute():
    """Use the CPU for a while."""
    until = time.thread_time() + COMPUTED_S
    while time.thread_time() < until:
        pass


def wait():
    """Wait for as long, without the CPU."""
    threading.Event().wait(COMPUTED_S)


def wsgi_call(application, **environ):
    """Return the headers and the body of a response."""
    started = []
    known = {"REQUEST_METHOD": "GET", "PATH_INFO": "/caf\xc3\xa9/", **EDGE, **environ}
    body = application(known, lambda status, headers: started.extend(headers))
    return dict(started), body


class Body:
    """A body that is iterated, and closed."""

    def __iter__(self):
        yield b"ok"

    def close(self):
        pass


def test_a_body_that_a_server_drops_ends_its_request_once(board):
    """Whether it was closed before or not."""
    layer = WsgiScoreboard(lambda environ, start_response: Body(), board)
    wsgi_call(layer)
    _headers, body = wsgi_call(layer)
    body.close()
    del body

    assert list(board.active) == []
    assert read(board).requests == 2


def test_a_request_that_is_closed_in_another_context_ends(board):
    """Such as by the garbage collection, once its loop was torn down."""

    async def view(scope, receive, send):
        await asyncio.sleep(10)

    async def run():
        request = AsgiScoreboard(view, board)(http(), None, None)
        contextvars.copy_context().run(request.send, None)
        request.close()

    asyncio.run(run())

    assert list(board.active) == []


def test_a_wsgi_request_is_in_progress_until_its_body_is_closed(board):
    """With its method, path and id."""

    def application(environ, start_response):
        start_response("200 OK", [])
        return Body()

    _, body = wsgi_call(WsgiScoreboard(application, board))
    (shown,) = read(board).in_flight
    assert list(body) == [b"ok"]
    body.close()
    ended = read(board)

    assert (shown.method, shown.path, shown.request_id) == ("GET", "/café/", "id-1")
    assert (ended.in_flight_count, ended.requests) == (0, 1)


def failing(environ, start_response):
    raise ValueError("It fails.")


def whole(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]


@pytest.mark.parametrize("application", [failing, whole])
def test_a_wsgi_request_ends_with_its_application(board, application):
    """Where that fails, and where it returns a list, which no server closes."""
    layer = WsgiScoreboard(application, board)
    if application is failing:
        with pytest.raises(ValueError, match=r"It fails\."):
            wsgi_call(layer)
    else:
        wsgi_call(layer)

    assert (read(board).in_flight_count, read(board).requests) == (0, 1)


@pytest.mark.parametrize(("work", "is_busy"), [(compute, True), (wait, False)])
def test_the_edge_gets_the_cpu_time_of_a_wsgi_request(board, work, is_busy):
    """That of its thread, without the time that it waits; the view gets no key of ours."""
    keys = []

    def application(environ, start_response):
        keys.extend(environ)
        work()
        start_response("200 OK", [])
        return Body()

    layers = WsgiProxyHeaders(WsgiHandover(application, (), None))
    headers, _ = wsgi_call(WsgiScoreboard(layers, board))

    assert (float(headers["X-Tandem-Request"].split()[1]) >= COMPUTED_S) == is_busy
    assert REQUEST not in keys


def in_thread():
    """Have another thread compute, and wait for it."""
    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()


@pytest.mark.parametrize("is_threaded", [False, True])
def test_threads_of_a_request_count_where_a_process_has_one_at_a_time(board, is_threaded):
    """Elsewhere other requests compute at the same time."""

    def application(environ, start_response):
        in_thread()
        start_response("200 OK", [])
        return [b"ok"]

    layers = WsgiScoreboard(WsgiProxyHeaders(WsgiHandover(application, (), None)), board)
    headers, _ = wsgi_call(layers, **{"wsgi.multithread": is_threaded})

    assert (float(headers["X-Tandem-Request"].split()[1]) < COMPUTED_S) == is_threaded


def test_what_a_body_computes_after_its_headers_is_in_the_slot(board):
    """By route, as the edge has the CPU time of the headers alone; a list has no such time."""

    class Rows(Body):
        def __iter__(self):
            compute()
            yield b"ok"

    def application(environ, start_response):
        environ[REQUEST].note_route("/rows/")
        environ[REQUEST].note_headers()
        start_response("200 OK", [])
        return Rows()

    _, body = wsgi_call(WsgiScoreboard(application, board))
    list(body)
    body.close()
    wsgi_call(WsgiScoreboard(whole, board))
    board.write_details()
    found = read(board).body_cpu_us

    assert list(found) == ["/rows/"]
    assert found["/rows/"] >= COMPUTED_S * 1e6


@pytest.mark.parametrize(("later_s", "reads"), [(0.0009, 1), (0.0011, 2)])
def test_the_clocks_of_a_body_are_read_once_it_can_have_used_the_cpu(
    board, monkeypatch, later_s, reads
):
    """Most end at once, and have used less than counts."""
    now, found = {"s": 100.0}, []

    class Cpu(CpuTime):
        def use(self):
            found.append(now["s"])
            return 0.0, 0.0, 0.0

    monkeypatch.setattr(time, "monotonic", lambda: now["s"])
    request = board.begin("GET", "/", "id-1")
    request.cpu = Cpu()
    request.note_headers()
    now["s"] += later_s
    board.end(request)

    assert len(found) == reads


async def computing(scope, receive, send):
    await asyncio.sleep(0)
    compute()
    await send(OK)
    await send(END)


async def waiting(scope, receive, send):
    await asyncio.sleep(COMPUTED_S)
    await send(OK)
    await send(END)


def on_thread(work):
    """Return an application whose sync code runs on a thread that our handler lends it."""

    async def application(scope, receive, send):
        executor = RequestExecutor(request_pool(), keeps_thread=True, on_acquire=(), on_release=())
        token = run_on(executor)
        try:
            await sync_to_async(work)()
            await send(OK)
            await send(END)
        finally:
            executor.release()
            undo(token)

    return application


async def beside_another(scope, receive, send):
    """Wait, while another task of the same loop computes."""
    other = asyncio.ensure_future(asyncio.to_thread(compute))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(compute)
    await asyncio.sleep(COMPUTED_S)
    await other
    await send(OK)
    await send(END)


@pytest.mark.parametrize(
    ("application", "is_busy"),
    [
        (computing, True),
        (waiting, False),
        (on_thread(compute), True),
        (on_thread(wait), False),
        (beside_another, False),
    ],
    ids=["computing", "waiting", "computing on a thread", "waiting on a thread", "beside another"],
)
def test_the_edge_gets_the_cpu_time_of_an_asgi_request(board, application, is_busy):
    """That of its steps on the event loop, and of the thread that it is lent."""
    layers = AsgiScoreboard(AsgiProxyHeaders(AsgiHandover(application, None)), board)
    start, _ = call(layers, http(headers=HEADERS))
    headers = dict(start["headers"])

    assert (float(headers[b"x-tandem-request"].split()[1]) >= COMPUTED_S) == is_busy
    assert read(board).requests == 1


def test_an_asgi_request_is_in_progress_until_its_application_returns(board):
    """Also where that fails; its task may run another one afterwards."""
    shown = []

    async def application(scope, receive, send):
        shown.extend(read(board).in_flight)
        assert REQUEST not in scope
        raise ValueError("It fails.")

    layers = AsgiScoreboard(AsgiHandover(application, None), board)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"It fails\."):
            call(layers, http(path="/slow/", method="POST", headers=HEADERS))

    assert [(each.method, each.path, each.request_id) for each in shown] == [
        ("POST", "/slow/", "id-1")
    ] * 2
    assert (read(board).in_flight_count, read(board).requests) == (0, 2)


def test_the_route_is_shown_once_it_is_known(board):
    """Django's handler notes it in the routed request."""

    class Match:
        route = "^lots/<int:number>/"

    async def application(scope, receive, send):
        scope[ROUTED_REQUEST].note_match(Match(), "view")
        shown.extend(read(board).in_flight)

    shown = []
    call(AsgiScoreboard(AsgiHandover(application, None), board), http())

    assert [each.route for each in shown] == ["/lots/<int:number>/"]


def test_the_route_of_a_websocket_is_that_of_the_edge(board):
    """Its header reaches no consumer."""
    scopes = []

    async def application(scope, receive, send):
        scopes.append(scope)

    headers = [(b"x-tandem-route", b"/ws/<room>/"), (b"host", b"project.test")]
    call(AsgiScoreboard(application, board), websocket(headers=headers))

    assert scopes[0][ROUTE] == "/ws/<room>/"
    assert scopes[0]["headers"] == [(b"host", b"project.test")]


@pytest.mark.parametrize("application", [computing, on_thread(compute)])
def test_without_a_reader_no_cpu_time_is_measured(tmp_path, application):
    """There is neither a monitor nor a log in JSON."""
    board = Scoreboard(tmp_path, "asgi", 1, dict)
    layers = AsgiScoreboard(AsgiHandover(application, None), board)
    start, _ = call(layers, http(headers=HEADERS))
    board.remove()

    assert start["headers"] == []


@pytest.mark.parametrize("stack", ["wsgi", "asgi"])
def test_a_header_of_the_project_does_not_replace_that_of_the_stack(board, stack):
    """NGINX takes the first of two, or joins them."""
    own = ("X-TANDEM-REQUEST", "99 99")

    def on_wsgi(environ, start_response):
        start_response("200 OK", [own])
        return []

    async def on_asgi(scope, receive, send):
        await send({**OK, "headers": [(b"x-tandem-request", b"99 99")]})
        await send(END)

    if stack == "wsgi":
        found = []
        layer = WsgiScoreboard(WsgiProxyHeaders(WsgiHandover(on_wsgi, (), None)), board)
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", **EDGE}
        layer(environ, lambda status, headers: found.extend(headers))
    else:
        layer = AsgiScoreboard(AsgiProxyHeaders(AsgiHandover(on_asgi, None)), board)
        sent = call(layer, http(headers=HEADERS))
        found = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]

    (value,) = [value for name, value in found if name.lower() == "x-tandem-request"]
    assert float(value.split()[1]) < 1
