"""The alerts for Prometheus, with thresholds from the plan."""

from collections.abc import Iterator
from dataclasses import dataclass

from django_tandem.model import Plan, Stack

# The name of the scrape job, which the alert on a stack that does not answer selects.
JOB = "tandem"

DURATION = "http_server_request_duration_seconds"
OF_ERRORS = 'http_response_status_code=~"5.."'
OF_TIMEOUTS = 'http_response_status_code="504"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """
    A condition in PromQL that holds for ``lasts`` before the alert fires.

    ``summary`` and ``description`` are Prometheus' templates: one line, and what to do.
    """

    name: str
    expr: str
    lasts: str
    severity: str
    summary: str
    description: str


def alerts(plan: Plan) -> tuple[Alert, ...]:
    """Return the alerts of a plan: those on WebSockets and the event loop only with ASGI."""
    found = [*_on_the_stack(), *_on_requests(plan), *_on_the_queue(plan)]
    if plan.edge.has_asgi:
        found += _on_asgi(plan)
    return tuple(found)


def _on_the_stack() -> Iterator[Alert]:
    yield Alert(
        name="TandemDown",
        expr=f'up{{job="{JOB}"}} == 0',
        lasts="1m",
        severity="critical",
        summary="{{ $labels.instance }} does not answer.",
        description="The host, the stack or its monitor is down: see `tandem status`.",
    )
    yield Alert(
        name="TandemRestarts",
        expr="sum by (instance, program) (increase(tandem_restarts_total[15m])) > 2.5",
        lasts="0m",
        severity="warning",
        summary="{{ $labels.program }} was restarted three times within 15 minutes.",
        description="Its last lines are in `tandem logs {{ $labels.program }}`.",
    )
    yield Alert(
        name="TandemLinesLost",
        expr="sum by (instance) (increase(tandem_monitor_lines_lost_total[10m])) > 0",
        lasts="0m",
        severity="warning",
        summary="The monitor of {{ $labels.instance }} has missed requests.",
        description="A full disk is the most common reason. While it lasts, the figures are too "
        "low.",
    )


def _on_requests(plan: Plan) -> Iterator[Alert]:
    failed = _increase(f"{DURATION}_count{{{OF_ERRORS}}}", "5m")
    errors = f"sum by (instance, stack) ({failed})"
    requests = f"sum by (instance, stack) ({_increase(f'{DURATION}_count', '5m')})"
    timed_out = _increase(f"{DURATION}_count{{{OF_TIMEOUTS}}}", "10m")
    timeouts = f"sum by (instance, http_route) ({timed_out})"
    timeout_s = plan.edge.read_timeout_s
    yield Alert(
        name="TandemErrors",
        # A few errors at night are no share.
        expr=f"{errors} / {requests} > 0.05 and {errors} > 10",
        lasts="5m",
        severity="critical",
        summary="{{ $value | humanizePercentage }} of the responses of {{ $labels.stack }} are "
        "errors.",
        description="The routes are in `tandem top`, the tracebacks in `tandem logs`. Errors of "
        "the edge are requests that no worker answered.",
    )
    yield Alert(
        name="TandemTimeouts",
        expr=f"{timeouts} > 2.5",
        lasts="0m",
        severity="warning",
        summary=f"Requests to {{{{ $labels.http_route }}}} take longer than {timeout_s} s.",
        description='Clients get 504. The limit is TANDEM["WSGI"]["TIMEOUT_S"].',
    )
    yield Alert(
        name="TandemHandovers",
        expr="sum by (instance, http_route) (rate(tandem_handovers_total[15m])) > 1",
        lasts="30m",
        severity="info",
        summary="Each second a request to {{ $labels.http_route }} is handed over.",
        description="Each of them occupies both stacks. `tandem explain` shows why the edge does "
        'not know the stack; a pin in TANDEM["ROUTES"] names it.',
    )


def _on_the_queue(plan: Plan) -> Iterator[Alert]:
    slow_s = plan.edge.read_timeout_s / 10
    waiting = "sum by (instance, stack, le) (rate(tandem_queue_seconds_bucket[5m]))"
    yield Alert(
        name="TandemQueueFull",
        expr="tandem_queue_length / tandem_queue_limit > 0.8",
        lasts="1m",
        severity="critical",
        summary="The queue of {{ $labels.stack }} is nearly full.",
        description='Further requests get 503. The limit is TANDEM["WSGI"]["QUEUE"].',
    )
    yield Alert(
        name="TandemQueueSlow",
        expr=f"histogram_quantile(0.95, {waiting}) > {slow_s:g}",
        lasts="5m",
        severity="warning",
        summary="Requests wait {{ $value | humanizeDuration }} for {{ $labels.stack }}.",
        description=f"One in twenty waits longer than {slow_s:g} s, a tenth of TIMEOUT_S. "
        "`tandem top` shows which routes occupy the workers.",
    )
    yield Alert(
        name="TandemWorkersBusy",
        expr='sum by (instance) (tandem_workers{stack="wsgi",state="idle"}) == 0',
        lasts="5m",
        severity="warning",
        summary="No WSGI worker of {{ $labels.instance }} is idle.",
        description="Requests wait for the first worker that becomes free. `tandem top` shows "
        "which routes occupy them.",
    )


def _on_asgi(plan: Plan) -> Iterator[Alert]:
    yield Alert(
        name="TandemEventLoopBlocked",
        expr="max by (instance) (tandem_event_loop_lag_seconds) > 0.5",
        lasts="2m",
        severity="warning",
        summary="An event loop of {{ $labels.instance }} is late by "
        "{{ $value | humanizeDuration }}.",
        description="Code on ASGI computes or blocks without an await, and all connections of "
        "its worker wait for it.",
    )
    yield Alert(
        name="TandemThreadsBusy",
        expr="tandem_thread_queue_length > 0",
        lasts="5m",
        severity="warning",
        summary="Synchronous code on ASGI waits for a thread on {{ $labels.instance }}.",
        description='The number of threads is TANDEM["ASGI"]["THREADS"]. Routes that are mostly '
        "synchronous belong on WSGI.",
    )
    limit = _websockets(plan)
    if limit is not None:
        yield Alert(
            name="TandemWebSocketsFull",
            expr=f"sum by (instance) (tandem_websocket_connections) > {limit * 0.9:g}",
            lasts="2m",
            severity="critical",
            summary=f"{{{{ $value }}}} of at most {limit} WebSockets are open.",
            description="Further handshakes get 503. The limit of a process is "
            'TANDEM["ASGI"]["MAX_WEBSOCKETS"].',
        )


def _increase(selector: str, window: str) -> str:
    """Return the increase within ``window``, from 0 where the series began in it."""
    # As each status has a series, that of the first error begins with it: increase() is 0 there.
    # But a series without a sample is older where the monitor was not scraped then.
    begun = f"{selector} unless {selector} offset {window}"
    scraped = f"on (instance) tandem_generation offset {window}"
    return f"({begun} and {scraped}) or increase({selector}[{window}])"


def _websockets(plan: Plan) -> int | None:
    """Return how many WebSockets all processes take together; None without a bound."""
    limit = plan.connections.websockets if plan.connections else None
    return None if limit is None else limit * plan.served[Stack.ASGI].workers
