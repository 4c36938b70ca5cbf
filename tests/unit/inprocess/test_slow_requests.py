"""A slow request is logged once, with what it does at that moment."""

import asyncio
import logging
import subprocess
import sys
import threading
import time

import greenlet
import oracle.configured  # noqa: F401 - to import it is to configure Django
import pytest
from asgiref.sync import sync_to_async
from inprocess.calling import http

from django_tandem.handler.cpu_time import CpuTime
from django_tandem.handler.pools import request_pool
from django_tandem.handler.switching import RequestExecutor, run_on, undo_run_on
from django_tandem.inprocess import slow_requests
from django_tandem.inprocess.scoreboard import Scoreboard
from django_tandem.inprocess.scoreboard_layers import AsgiScoreboard, WsgiScoreboard
from django_tandem.inprocess.slow_requests import SlowRequests

ENVIRON = {"REQUEST_METHOD": "GET", "PATH_INFO": "/slow/", "HTTP_X_REQUEST_ID": "id-1"}


@pytest.fixture
def board(tmp_path):
    board = Scoreboard(tmp_path, "wsgi", 1, dict, measures_cpu=True)
    yield board
    board.remove()


@pytest.fixture
def records():
    """Return the records of the logger."""
    found = []

    class Keep(logging.Handler):
        def emit(self, record):
            found.append(record)

    logger, handler = logging.getLogger("django_tandem.slow"), Keep()
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


class Held:
    """Sync code that waits until it may go on."""

    def __init__(self):
        self.begun, self.may_end = threading.Event(), threading.Event()

    def wait_for_the_report(self):
        self.begun.set()
        self.may_end.wait(10)


def log_all(board):
    """Log those that have begun by now."""
    return SlowRequests(board, 1e-9).log_due()


def on_wsgi(board, held):
    def application(environ, start_response):
        (request,) = board.active
        request.note_route("/slow/<int:pk>/")
        request.queued_s = 0.0123
        held.wait_for_the_report()
        start_response("200 OK", [])
        return []

    return threading.Thread(target=WsgiScoreboard(application, board), args=(ENVIRON.copy(), print))


def test_a_slow_request_is_logged_once_with_the_stack_of_its_thread(board, records):
    """What called the outermost layer, and our own frames, are left out."""
    held = Held()
    thread = on_wsgi(board, held)
    thread.start()
    held.begun.wait(10)
    time.sleep(0.1)
    log_all(board)
    log_all(board)
    held.may_end.set()
    thread.join()

    (record,) = records
    message = record.getMessage()
    assert message.startswith("GET /slow/ has taken 0.1")
    assert message.endswith(
        "% off it, 0.012 s in the queue before, route /slow/<int:pk>/, request id id-1."
    )
    assert (record.route, record.stack, record.queue_s) == ("/slow/<int:pk>/", "wsgi", 0.012)
    assert 0.1 <= record.duration_s < 10
    assert record.cpu_s < record.duration_s / 2
    assert record.cpu_share < 0.5
    lines = record.stack_info.splitlines()
    assert lines[0] == "Call stack of its thread (most recent call last):"
    assert lines[1].endswith("in application")
    assert any(line.endswith("in wait_for_the_report") for line in lines)
    assert "scoreboard_layers" not in record.stack_info


def test_a_path_with_a_line_break_stays_on_one_line(board, records):
    """A client could forge a line of the log; letters of any language stay."""
    board.begin("GET", "/café\n2026 ERROR forged\x1b\u2028", "").note_route(r"^\d+/$")
    log_all(board)

    message = records[0].getMessage()
    assert message.startswith(r"GET /café\n2026 ERROR forged\x1b\u2028 has taken ")
    assert message.endswith(r"route ^\d+/$, request id -.")


async def request_of(application, board):
    """Run a request to its report, and return what it sent."""

    async def send(message):
        pass

    layer = AsgiScoreboard(application, board)
    return await layer(http(path="/slow/"), None, send)


def test_the_stack_of_a_suspended_request_is_that_of_its_task(board, records):
    """Through all that it awaits."""

    async def query():
        await asyncio.sleep(10)

    async def view(scope, receive, send):
        await query()

    async def run():
        task = asyncio.ensure_future(request_of(view, board))
        await asyncio.sleep(0)
        await asyncio.to_thread(log_all, board)
        task.cancel()

    asyncio.run(run())

    (record,) = records
    lines = record.stack_info.splitlines()
    assert lines[0] == "Call stack of its task (most recent call last):"
    names = [line.rpartition(" in ")[2] for line in lines if line.startswith("  File")]
    assert names == ["view", "query", "sleep"]


def test_the_stack_of_sync_code_is_that_of_the_thread_that_it_was_lent(board, records):
    """While the task only awaits it."""
    held = Held()

    async def view(scope, receive, send):
        executor = RequestExecutor(request_pool(), keeps_thread=True, on_acquire=(), on_release=())
        token = run_on(executor)
        try:
            await sync_to_async(held.wait_for_the_report)()
        finally:
            executor.release()
            undo_run_on(token)

    async def run():
        task = asyncio.ensure_future(request_of(view, board))
        await asyncio.to_thread(held.begun.wait, 10)
        await asyncio.to_thread(log_all, board)
        held.may_end.set()
        await task

    asyncio.run(run())

    (record,) = records
    assert record.stack_info.startswith("Call stack of its thread (most recent call last):\n")
    assert "in wait_for_the_report" in record.stack_info


def test_the_stack_of_a_greenlet_is_where_it_is_suspended(board, records):
    """Its thread runs other requests meanwhile, so their CPU time is not the request's."""

    def view(environ, start_response):
        greenlet.getcurrent().parent.switch()
        return []

    served = greenlet.greenlet(WsgiScoreboard(view, board))
    served.switch(ENVIRON.copy(), print)
    log_all(board)
    served.switch()

    (record,) = records
    lines = record.stack_info.splitlines()
    assert lines[0] == "Call stack of its greenlet (most recent call last):"
    assert [line.rpartition(" in ")[2] for line in lines if line.startswith("  File")] == ["view"]
    assert (record.cpu_s, record.cpu_share) == (None, None)


def test_a_thread_that_meanwhile_runs_another_request_is_left_out(board, monkeypatch):
    """Its frames would be those of the other request."""
    request = board.begin("GET", "/", "")
    request.cpu = CpuTime()
    request.cpu.start()
    frames = sys._current_frames()

    def ends_meanwhile():
        request.cpu = None
        return frames

    monkeypatch.setattr(sys, "_current_frames", ends_meanwhile)

    assert slow_requests.describe_stack(request) == "The call stack of its task is not known."


def test_event_streams_are_not_slow(board, records):
    """They last for as long as their client listens; one on WSGI stays in progress."""
    board.begin("GET", "/events/", "").note_long()
    board.begin("GET", "/events/", "").is_long = True
    log_all(board)

    assert records == []


def test_the_next_look_is_when_the_oldest_request_is_due(board):
    """Without one, and while those that are slow go on, after the limit."""
    slow = SlowRequests(board, 10)
    idle = slow.log_due()
    request = board.begin("GET", "/", "")
    request.since -= 6
    due = slow.log_due()

    assert idle == 10
    assert 3 < due <= 4


def test_a_handler_that_fails_does_not_end_the_watch(board, records, monkeypatch):
    """Its error is logged."""
    monkeypatch.setattr(slow_requests, "describe_stack", lambda request: 1 / 0)
    board.begin("GET", "/", "")
    log_all(board)

    assert [record.getMessage() for record in records] == ["A slow request could not be logged."]


@pytest.mark.parametrize(("given", "expected"), [("0.5", 0.5), ("", None), (None, None)])
def test_the_limit_is_that_of_the_environment(monkeypatch, given, expected):
    """Without one, nothing is watched."""
    monkeypatch.delenv("TANDEM_SLOW_S", raising=False)
    if given is not None:
        monkeypatch.setenv("TANDEM_SLOW_S", given)

    assert slow_requests.limit_s() == expected


def test_the_thread_logs_by_itself(board, records):
    """Within moments of the limit."""
    held = Held()
    thread = on_wsgi(board, held)
    board.on_start = SlowRequests(board, 0.05).start
    thread.start()
    until = time.monotonic() + 10
    while not records and time.monotonic() < until:
        time.sleep(0.01)
    held.may_end.set()
    thread.join()

    assert len(records) == 1


ON_GEVENT = """
from gevent import monkey, spawn
monkey.patch_all()
import logging, sys, tempfile
from pathlib import Path
from django_tandem.inprocess import greenlets
from django_tandem.inprocess.scoreboard import Scoreboard
from django_tandem.inprocess.scoreboard_layers import WsgiScoreboard
from django_tandem.inprocess.slow_requests import SlowRequests

native_sleep, logged = greenlets.unpatched("time", "sleep"), []


class Noted(logging.StreamHandler):
    def emit(self, record):
        super().emit(record)
        logged.append(record)


def block_the_worker():
    for _ in range(1000):
        native_sleep(0.01)
        if logged:
            return


def view(environ, start_response):
    block_the_worker()
    return []


logging.basicConfig(format="%(threadName)s: %(message)s", handlers=[Noted(sys.stdout)])
board = Scoreboard(Path(tempfile.mkdtemp()), "wsgi", 1, dict)
board.on_start = SlowRequests(board, 0.05).start
spawn(WsgiScoreboard(view, board), {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, print).get()
"""


@pytest.mark.processes
def test_a_request_that_blocks_a_worker_of_gevents_is_logged_meanwhile():
    """With the stack of its greenlet; a greenlet that watches it would not run."""
    done = subprocess.run(
        [sys.executable, "-c", ON_GEVENT], capture_output=True, text=True, check=False, timeout=30
    )

    assert (done.returncode, done.stderr) == (0, "")
    message, title, *frames = done.stdout.splitlines()
    assert message.startswith("django-tandem slow: GET / has taken 0.")
    assert title == "Call stack of its greenlet (most recent call last):"
    names = [line.rpartition(" in ")[2] for line in frames if line.startswith("  File")]
    assert names == ["view", "block_the_worker"]
