"""A table of evidence and the verdicts that are right for it."""

import pytest
from advisor.evidences import CAPACITY, evidence, history

from django_tandem.advisor.code import Change, RouteCode
from django_tandem.advisor.evidence import History, RouteEvidence
from django_tandem.advisor.gains import Capacity
from django_tandem.advisor.rules import Recommendation
from django_tandem.advisor.verdicts import Confidence, advise
from django_tandem.model import Stack

SLEEP = Change(text="time.sleep() blocks: use asyncio.sleep", place="shop/views.py:3", blocks=True)
SYNC = RouteCode(is_read=True, changes=(SLEEP,))
ASYNC = RouteCode(is_async=True, is_read=True)
TO_ASGI, TO_WSGI = Recommendation.TO_ASGI, Recommendation.TO_WSGI
STAY, RIGHT, UNKNOWN = Recommendation.STAY, Recommendation.RIGHT, Recommendation.UNKNOWN


def on_asgi(**changes) -> RouteEvidence:
    return evidence(stack=Stack.ASGI, **changes)


def advice(found: RouteEvidence, code: RouteCode = SYNC, capacity: Capacity = CAPACITY, **changes):
    return advise(found, code, capacity, history(found, **changes))


@pytest.mark.parametrize(
    ("found", "code", "right"),
    [
        # On WSGI
        pytest.param(evidence(), SYNC, TO_ASGI, id="it waits, and holds a quarter of a worker"),
        pytest.param(evidence(), ASYNC, TO_ASGI, id="an async view that a pin keeps on WSGI waits"),
        pytest.param(evidence(requests=200), SYNC, STAY, id="it waits, and holds a hundredth"),
        pytest.param(
            evidence(requests=1000, peak_workers=2.5, burstiness=40.0),
            SYNC,
            TO_ASGI,
            id="it waits, and holds workers in its bursts alone",
        ),
        pytest.param(evidence(each_ms=90, cpu_ms=88), SYNC, STAY, id="it computes"),
        pytest.param(evidence(each_ms=100, cpu_ms=60), SYNC, STAY, id="it computes for most of it"),
        pytest.param(
            evidence(each_ms=900, cpu_ms=100), SYNC, STAY, id="it waits, and computes for 100 ms"
        ),
        pytest.param(
            evidence(requests=120_000, each_ms=100, cpu_ms=25),
            SYNC,
            STAY,
            id="it waits, and its computing takes two thirds of both loops",
        ),
        pytest.param(
            evidence(requests=7200, each_ms=100, cpu_ms=30, delay_s=7200 * 0.055),
            SYNC,
            STAY,
            id="what is not computing is a wait for a CPU",
        ),
        pytest.param(
            evidence(each_ms=250, cpu_ms=30, cpu_load=0.97),
            SYNC,
            UNKNOWN,
            id="it is off the CPU, and the CPUs are busy",
        ),
        pytest.param(
            evidence(each_ms=250, cpu_ms=4, cpu_load=0.97),
            SYNC,
            TO_ASGI,
            id="it waits, also on busy CPUs",
        ),
        pytest.param(evidence(requests=3), SYNC, UNKNOWN, id="three requests"),
        pytest.param(evidence(requests=0), SYNC, UNKNOWN, id="no request"),
        pytest.param(evidence(errors=3400), SYNC, UNKNOWN, id="most of them fail"),
        pytest.param(evidence(cpu_known=100), SYNC, UNKNOWN, id="its CPU time is not known"),
        pytest.param(
            evidence(requests=100, cpu_known=0), SYNC, STAY, id="it holds nothing, whatever it does"
        ),
        pytest.param(evidence(requests=0, longs=40), SYNC, TO_ASGI, id="an event stream on WSGI"),
        # On ASGI
        pytest.param(on_asgi(), ASYNC, RIGHT, id="an async view that waits"),
        pytest.param(on_asgi(each_ms=100, cpu_ms=95), ASYNC, TO_WSGI, id="an async view computes"),
        pytest.param(
            on_asgi(each_ms=95, cpu_ms=3, blocked_s=3600 * 0.091),
            ASYNC,
            TO_WSGI,
            id="an async view sleeps on the loop",
        ),
        pytest.param(
            on_asgi(each_ms=400, cpu_ms=3, blocked_s=3600 * 0.091, p10_s=0.095),
            ASYNC,
            TO_WSGI,
            id="an async view blocks, and mostly waits for others that do",
        ),
        pytest.param(
            on_asgi(each_ms=400, cpu_ms=30, blocked_s=3600 * 0.03),
            ASYNC,
            RIGHT,
            id="an async view waits for most of its time, and blocks for a little",
        ),
        pytest.param(
            on_asgi(each_ms=90, cpu_ms=82), SYNC, TO_WSGI, id="a sync view computes in a thread"
        ),
        pytest.param(
            on_asgi(each_ms=270, cpu_ms=81, p10_s=0.095),
            SYNC,
            TO_WSGI,
            id="a sync view computes, and mostly waits for others that do",
        ),
        pytest.param(on_asgi(each_ms=250, cpu_ms=90), SYNC, RIGHT, id="a sync view waits"),
        pytest.param(
            on_asgi(each_ms=40, cpu_ms=2, blocked_s=3600 * 0.015, cpu_load=0.97),
            ASYNC,
            RIGHT,
            id="an async view is off the CPU, and the CPUs are busy",
        ),
        pytest.param(on_asgi(requests=3, blocked_s=0.3), ASYNC, UNKNOWN, id="three that block"),
        pytest.param(on_asgi(requests=0, longs=4), ASYNC, RIGHT, id="four event streams"),
        pytest.param(
            on_asgi(requests=0), RouteCode(is_websocket=True), RIGHT, id="a WebSocket without any"
        ),
    ],
)  # fmt: skip
def test_the_verdict_follows_from_the_evidence(found, code, right) -> None:
    """Each with at least one reason."""
    # Another route keeps the history from being empty.
    given = advise(found, code, CAPACITY, history(found, evidence(route="/", each_ms=9, cpu_ms=8)))

    assert given.verdict is right
    assert given.reasons
    assert (given.gain is not None) == (right in (TO_ASGI, TO_WSGI) and found.requests > 0)


def test_a_share_of_the_queue_makes_a_route_matter() -> None:
    """It holds little on average, and others wait for it."""
    found = evidence(requests=1000, queue_caused_s=30.0)

    quiet, queued = (advice(found, queue_ms=ms).verdict for ms in (1.0, 50.0))

    assert (quiet, queued) == (STAY, TO_ASGI)


def test_the_reasons_have_the_figures() -> None:
    """How long it waits, what it holds, and what it has others wait."""
    given = advice(evidence(burstiness=4.0, peak_workers=3.0, queue_caused_s=45.0), queue_ms=50.0)

    assert given.reasons == (
        "It waits for 98% of 250 ms and holds 0.25 of 7 workers: an async view frees them.",
        "In its busiest minute it holds 3.",
        "It causes 25% of the time that requests wait for a worker.",
    )


@pytest.mark.parametrize(
    ("code", "stack", "right"),
    [
        (ASYNC, Stack.ASGI, RIGHT),
        (RouteCode(is_async=True, is_read=True, changes=(SLEEP,)), Stack.ASGI, TO_WSGI),
        (RouteCode(is_async=True), Stack.ASGI, UNKNOWN),
        (SYNC, Stack.WSGI, UNKNOWN),
        (RouteCode(is_read=True), Stack.WSGI, UNKNOWN),
    ],
)
def test_without_a_history_the_code_alone_is_judged(code, stack, right) -> None:
    """With low confidence, no gain, and no move of a view that may wait for a millisecond."""
    given = advise(RouteEvidence(route="/", stack=stack), code, CAPACITY, History())

    assert (given.verdict, given.confidence, given.gain) == (right, Confidence.LOW, None)


@pytest.mark.parametrize(
    ("found", "sure"),
    [
        (evidence(), Confidence.HIGH),
        (evidence(span_s=300.0, requests=300), Confidence.MEDIUM),
        (evidence(requests=3600, each_ms=250, cpu_ms=90), Confidence.MEDIUM),
        (evidence(requests=50, each_ms=9000), Confidence.LOW),
        (evidence(cpu_load=0.9), Confidence.LOW),
    ],
)
def test_the_confidence_is_of_the_requests_the_time_and_the_margin(found, sure) -> None:
    """Busy CPUs lower it: they make what computes look as if it waited."""
    assert advice(found).confidence is sure


def test_the_commands_quote_a_route_for_the_shell() -> None:
    """Angle brackets are redirections; a stream has no commands, as it can't be shifted."""
    given = advice(evidence(route="/lots/<int:pk>/"))

    assert given.commands == (
        "tandem shift '/lots/<int:pk>/' --to asgi --mirror",
        "tandem shift '/lots/<int:pk>/' --to asgi --percent 5",
        "tandem advise '/lots/<int:pk>/'",
    )
    assert advice(evidence(requests=0, longs=40)).commands == ()


def test_a_wait_that_the_source_does_not_show_is_named() -> None:
    """It may be that for the database, which an async view waits for in a thread."""
    given = advice(evidence(), RouteCode(is_read=True))

    assert (given.verdict, given.confidence) == (TO_ASGI, Confidence.MEDIUM)
    assert given.reasons[-1] == (
        "Its source shows no call that waits. If it waits for the database, each of its requests "
        "on ASGI holds a thread for that long instead of a worker."
    )


@pytest.mark.parametrize(
    ("has_threads", "right"),
    [
        # A tenth of the time on a CPU, and by far not all of eight CPUs.
        (False, TO_ASGI),
        # The same in threads of one interpreter, of which the others have had most.
        (True, UNKNOWN),
    ],
)
def test_threads_that_share_an_interpreter_wait_for_it(has_threads, right) -> None:
    """Their time off the CPU is that of another thread on it, and no delay that Linux counts."""
    capacity = Capacity(wsgi_workers=8, asgi_workers=2, cpus=8.0, has_wsgi_threads=has_threads)
    found = evidence(each_ms=250, cpu_ms=25, cpu_load=0.11, delay_s=1.0)

    assert advice(found, capacity=capacity).verdict is right
