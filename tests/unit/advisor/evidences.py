"""Evidence for the tests of the advisor: an hour of a route on WSGI, and the stack around it."""

from django_tandem.advisor.evidence import History, RouteEvidence
from django_tandem.advisor.gains import Capacity
from django_tandem.model import Stack

HOUR = 3600.0
CAPACITY = Capacity(wsgi_workers=7, asgi_workers=2, cpus=2.0)


def evidence(
    *,
    requests: int = 3600,
    each_ms: float = 250,
    cpu_ms: float = 4,
    span_s: float = HOUR,
    **changes,
) -> RouteEvidence:
    """One request a second that waits for 246 ms and computes for 4."""
    known = changes.pop("cpu_known", requests)
    return RouteEvidence(
        **{
            "route": "/offers/",
            "stack": Stack.WSGI,
            "span_s": span_s,
            "requests": requests,
            "answered": requests,
            "worker_s": requests * each_ms / 1000,
            "cpu_known": known,
            "cpu_s": known * cpu_ms / 1000,
            "p10_s": each_ms / 1000,
            "p50_s": each_ms / 1000,
            "p95_s": each_ms / 1000,
            "peak_workers": requests * each_ms / 1000 / span_s,
            **changes,
        }
    )


def history(*found: RouteEvidence, queue_ms: float = 2.0) -> History:
    """The history of these routes, whose requests were in the queue for ``queue_ms``."""
    wsgi = [each for each in found if each.stack is Stack.WSGI]
    return History(
        begin=0.0,
        end=HOUR,
        span_s=HOUR,
        requests=sum(each.requests for each in found),
        queue_each_s=queue_ms / 1000,
        wsgi_workers=sum(each.workers for each in wsgi),
        wsgi_rate=sum(each.rate for each in wsgi),
        by_route={(each.route, each.stack.value): each for each in found},
    )
