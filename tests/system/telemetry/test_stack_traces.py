"""OpenTelemetry by the extra: each worker exports spans, and a client's trace goes through all."""

import itertools
import os
import signal

import pytest
from websockets.sync.client import connect

from harness.client import ask, wait_for
from harness.stack import tandem

PARENT = "00f067aa0ba902b7"
numbers = itertools.count(1)


def traceparent():
    """Return a new trace id, and the header of a client that has it."""
    trace_id = f"{next(numbers):032x}"
    return trace_id, ("traceparent", f"00-{trace_id}-{PARENT}-01")


def traced(stack, target):
    """Send a request of a new trace; return its id and the response."""
    trace_id, header = traceparent()
    return trace_id, ask(stack.port, target, headers=[header])


@pytest.mark.parametrize(
    ("target", "served_by", "name"),
    [
        ("/sync/1/", "wsgi", "GET sync/<int:number>/"),
        ("/async/1/", "asgi", "GET async/<int:number>/"),
        ("/sync-on-asgi/", "asgi", "GET sync-on-asgi/"),
        # Handed over by WSGI, before its middleware.
        ("/numbers/2/", "asgi", "GET numbers/<even:number>/"),
    ],
)
def test_a_request_is_one_span_of_the_clients_trace(
    stack, collector, target, served_by, name
) -> None:
    """The view runs in it, and its name, id and queue are the same on both stacks."""
    trace_id, response = traced(stack, target)
    span = collector.wait_for_span(trace_id)

    assert (response.json["trace_id"], response.json["span_id"]) == (trace_id, span.span_id)
    assert (span.name, span.stack, span.parent_id) == (name, served_by, PARENT)
    # That for Django would hold a thread for each async view.
    assert span.instrumentation == {"wsgi": "django", "asgi": "asgi"}[served_by]
    assert span.attributes["http.route"] == name.removeprefix("GET ")
    assert span.attributes["tandem.request_id"] == response.headers["X-Request-ID"]
    assert 0 <= span.attributes["tandem.queue_s"] < 5
    assert collector.of_trace(trace_id) == [span]


@pytest.mark.parametrize(
    ("target", "served_by", "text"),
    [
        ("/fails/", "wsgi", "of the sync view"),
        ("/fails-on-asgi/", "asgi", "of the async view"),
    ],
)
def test_an_error_has_its_exception_in_both_tools(
    stack, collector, target, served_by, text
) -> None:
    """OpenTelemetry's span has the event, and Sentry the traceback with the route."""
    trace_id, response = traced(stack, target)
    span = collector.wait_for_span(trace_id)

    assert response.status == 500
    assert (span.stack, span.events) == (served_by, ("exception",))
    (event,) = wait_for(lambda: [each for each in collector.events if text in values_of(each)])
    assert event["transaction"] == target
    headers = {name.lower(): value for name, value in event["request"]["headers"].items()}
    assert headers["x-request-id"] == response.headers["X-Request-ID"]


def values_of(event):
    return [each["value"] for each in event.get("exception", {}).get("values", ())]


def test_a_websocket_is_one_span_of_the_clients_trace(stack, collector) -> None:
    """It ends with the connection, and its messages are no spans."""
    trace_id, header = traceparent()
    with connect(f"ws://127.0.0.1:{stack.port}/echo/", additional_headers=[header]) as socket:
        socket.send("one")
        assert socket.recv() == "one"
        assert collector.of_trace(trace_id) == []
    span = collector.wait_for_span(trace_id)

    assert (span.name, span.stack, span.parent_id) == ("websocket", "asgi", PARENT)
    assert collector.of_trace(trace_id) == [span]


def test_each_worker_has_its_own_id(stack, collector) -> None:
    """The master starts nothing, so its workers are forked; the service's name is the project's."""
    trace_ids = [traced(stack, f"/{kind}/1/")[0] for kind in ("sync", "async") for _ in range(5)]
    spans = [collector.wait_for_span(each) for each in trace_ids]
    pids = {each.resource["process.pid"] for each in spans}

    assert len({each.resource["service.instance.id"] for each in spans}) == len(pids) >= 2
    assert {each.resource["service.name"] for each in spans} == {"shop"}
    (generation,) = {each.resource["tandem.generation"] for each in spans}
    log = (stack.run_dir / f"master-{generation}.log").read_text()
    assert "each worker loads the project" not in log


def test_sentry_keeps_the_clients_trace(stack, collector) -> None:
    """By its own header, on both stacks."""
    for target in ("/sync/1/", "/async/1/"):
        trace_id = f"{next(numbers):032x}"
        ask(stack.port, target, headers=[("sentry-trace", f"{trace_id}-{PARENT}-1")])

        (event,) = wait_for(lambda of=trace_id: [e for e in collector.events if trace_of(e) == of])
        assert event["transaction"] == target.replace("1", "{number}")


def trace_of(event):
    return event.get("contexts", {}).get("trace", {}).get("trace_id")


def test_what_a_killed_worker_has_exported_stays_and_another_one_exports(stack, collector) -> None:
    """No fork copies a lock that another thread holds: the next worker serves."""
    trace_id, response = traced(stack, "/async/1/")
    collector.wait_for_span(trace_id)
    os.kill(response.json["pid"], signal.SIGKILL)
    after = wait_for(lambda: next_of(stack, response.json["pid"]), within_s=20)

    assert collector.wait_for_span(after).resource["process.pid"] != response.json["pid"]


def next_of(stack, killed):
    trace_id, response = traced(stack, "/async/1/")
    return trace_id if response.status == 200 and response.json["pid"] != killed else None


def test_a_reload_flushes_the_old_workers(stack, collector) -> None:
    """Each request before and after it has its span."""
    before = [traced(stack, target)[0] for target in ("/sync/1/", "/async/1/")]
    reloaded = tandem(stack.directory, "reload")
    after = [traced(stack, target)[0] for target in ("/sync/1/", "/async/1/")]

    assert reloaded.returncode == 0, reloaded.stderr
    spans = [collector.wait_for_span(each) for each in (*before, *after)]
    old, new = spans[0].resource["tandem.generation"], spans[-1].resource["tandem.generation"]
    assert [each.resource["tandem.generation"] for each in spans] == [old, old, new, new]
    assert new == old + 1
