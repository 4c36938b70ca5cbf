"""Each request has one id: the view, the client and the access log get the same."""

import json
import re
import time

import pytest

BOTH = pytest.mark.parametrize("path", ["/sync/", "/async/"])
MADE = re.compile(r"[0-9a-f]{32}")
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def trusting(edge_with):
    with edge_with(EDGE={"TRUSTED_PROXIES": ["127.0.0.1"]}) as edge:
        yield edge


def ids(edge, path, *headers):
    """Return the ids that the view and the client get."""
    answer = edge.ask(path, headers=headers)
    return json.loads(answer.text)["headers"]["X-Request-Id"], answer.headers["X-Request-ID"]


@BOTH
def test_the_id_of_a_client_is_replaced(edge, path) -> None:
    """It could be another request's, or anything."""
    seen, answered = ids(edge, path, ("X-Request-ID", "mine"))

    assert MADE.fullmatch(seen)
    assert answered == seen
    assert ids(edge, path)[0] != seen


@BOTH
@pytest.mark.parametrize(
    "given", ["1", "x" * 128, "Root=1-67891233-abcdef012345678912345678", "a.b:c_d+e="]
)
def test_the_id_of_a_trusted_proxy_is_kept(trusting, path, given) -> None:
    """So one id is in the logs of all hosts."""
    assert ids(trusting, path, ("X-Request-ID", given)) == (given, given)


@pytest.mark.parametrize("given", ["", "x" * 129, 'a"b', "a b", "a,b", "a\x7f", "<a>"])
def test_an_odd_id_of_a_trusted_proxy_is_replaced(trusting, given) -> None:
    """Too long, or with characters that would break a log line."""
    seen, answered = ids(trusting, "/sync/", ("X-Request-ID", given))

    assert MADE.fullmatch(seen)
    assert answered == seen


def test_an_error_of_the_edge_has_an_id_too(edge) -> None:
    """The client can report it."""
    answer = edge.ask("/sync/", "POST", headers=[("Content-Length", str(2**40))])

    assert answer.status == 413
    assert MADE.fullmatch(answer.headers["X-Request-ID"])


@BOTH
def test_a_trace_context_passes_unchanged(edge, path) -> None:
    """It is the tracing library's own."""
    headers = [("traceparent", TRACE), ("tracestate", "vendor=1")]
    seen = edge.ask(path, headers=headers).json["headers"]

    assert (seen["Traceparent"], seen["Tracestate"]) == (TRACE, "vendor=1")


@BOTH
def test_the_start_of_the_queue_is_that_of_the_edge(edge, path) -> None:
    """In seconds with three digits, as monitoring agents read it; a client's own is replaced."""
    before = time.time()
    seen = edge.ask(path, headers=[("X-Request-Start", "t=1")]).json["headers"]["X-Request-Start"]

    assert re.fullmatch(r"t=[0-9]+\.[0-9]{3}", seen)
    assert before - 1 < float(seen[2:]) < time.time() + 1
