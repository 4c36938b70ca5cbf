"""The advice on all routes of a plan, its JSON, and its HTML page, which loads nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django_tandem import __version__
from django_tandem.advisor.evidence import RouteEvidence, gather
from django_tandem.advisor.gains import Capacity, sentences
from django_tandem.advisor.rules import Recommendation
from django_tandem.advisor.source import read_code
from django_tandem.advisor.verdicts import MOVES, Advice, advise
from django_tandem.inprocess.access_log import header_text
from django_tandem.model import Plan, Stack
from django_tandem.monitor.minutes import RouteMinute
from django_tandem.render.target import template_environment
from django_tandem.servers import SERVERS

if TYPE_CHECKING:
    from jinja2 import Environment

# Moves first, as they are what the reader looks for.
ORDER = (
    Recommendation.TO_ASGI,
    Recommendation.TO_WSGI,
    Recommendation.UNKNOWN,
    Recommendation.STAY,
    Recommendation.RIGHT,
)
EVIDENCE = (
    "requests", "answered", "errors", "rate",
    "workers", "peak_workers", "burstiness", "worker_s", "queue_s",
    "queue_caused_s", "cpu_s", "cpu_known", "delay_s", "blocked_s", "lag_share", "p50_s", "p95_s",
    "bytes_sent", "longs", "requests_elsewhere",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    The advice on each route: moves first, then by the workers that they hold.

    ``begin`` and ``end`` of the history are in seconds since the epoch, 0 where there is none.
    """

    advice: tuple[Advice, ...]
    capacity: Capacity
    begin: float = 0.0
    end: float = 0.0
    span_s: float = 0.0
    requests: int = 0

    @property
    def shown(self) -> tuple[Advice, ...]:
        """The advice on routes that had a request; without a history, on what the code shows."""
        if not self.requests:
            return tuple(each for each in self.advice if _shows_something(each))
        return tuple(each for each in self.advice if each.evidence.requests or each.evidence.longs)

    def moves(self, to: Recommendation) -> tuple[Advice, ...]:
        """Return the advice with the verdict ``to``."""
        return tuple(each for each in self.advice if each.verdict is to)

    def find(self, route: str) -> Advice | None:
        """Return the advice on the route with this pattern."""
        return next((each for each in self.advice if each.evidence.route == route), None)

    def as_json(self) -> dict[str, Any]:
        """Return it as `tandem advise --json` prints it."""
        return {
            "version": __version__,
            "begin": self.begin,
            "end": self.end,
            "span_s": round(self.span_s, 1),
            "requests": self.requests,
            "wsgi_workers": self.capacity.wsgi_workers,
            "asgi_workers": self.capacity.asgi_workers,
            "cpus": self.capacity.cpus,
            "routes": [_as_json(each) for each in self.advice],
        }


def make_report(
    plan: Plan, records: Iterable[RouteMinute], capacity: Capacity, *, atomic: Iterable[str] = ()
) -> Report:
    """
    Return the advice on the routes of ``plan`` by the ``records`` of a history.

    ``atomic`` are the databases with ATOMIC_REQUESTS.
    """
    atomic = tuple(atomic)
    history = gather(records, cpus=capacity.cpus)
    # Of two routes with one pattern, Django serves the first.
    verdicts = {each.route.pattern: each for each in reversed(plan.verdicts)}
    found = [
        advise(
            # The history has a route as its header has it.
            replace(history.of(header_text(pattern), each.stack), route=pattern),
            read_code(each, plan.project, atomic=atomic),
            capacity,
            history,
            home=each.stack,
        )
        for pattern, each in verdicts.items()
    ]
    return Report(
        advice=tuple(sorted(found, key=_rank)),
        capacity=capacity,
        begin=history.begin,
        end=history.end,
        span_s=history.span_s,
        requests=history.requests,
    )


def capacity_of(plan: Plan, *, wsgi_server: str, cpus: float) -> Capacity:
    """Return the workers that ``plan`` has for both stacks, on a machine with ``cpus``."""
    served = plan.served
    count = {stack: served[stack].workers if stack in served else 1 for stack in Stack}
    return Capacity(
        wsgi_workers=count[Stack.WSGI],
        asgi_workers=count[Stack.ASGI],
        cpus=cpus,
        has_wsgi_threads=any(
            each.name == wsgi_server and each.one_process for each in SERVERS[Stack.WSGI]
        ),
    )


def _shows_something(advice: Advice) -> bool:
    return advice.verdict is not Recommendation.UNKNOWN or bool(advice.code.blocking)


def _rank(advice: Advice) -> tuple[int, float, str]:
    found: RouteEvidence = advice.evidence
    return ORDER.index(advice.verdict), -found.worker_s, found.route


def _as_json(advice: Advice) -> dict[str, Any]:
    found, code, gain = advice.evidence, advice.code, advice.gain
    return {
        "route": found.route,
        "stack": found.stack.value,
        "why": code.reason,
        "view": code.view,
        "source": code.source,
        "verdict": advice.verdict.value,
        "confidence": advice.confidence.value,
        "reasons": list(advice.reasons),
        "waiting": None if advice.waiting is None else round(advice.waiting, 3),
        "gain": gain
        and {
            "workers_freed": list(gain.workers_freed),
            "queue_ms": list(gain.queue_ms),
            "memory_mb": list(gain.memory_mb),
            "arithmetic": list(gain.arithmetic),
        },
        "changes": [{"text": each.text, "place": each.place} for each in advice.changes],
        "commands": list(advice.commands),
        "evidence": {name: _rounded(getattr(found, name)) for name in EVIDENCE},
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def render_page(report: Report) -> str:
    """Return ``report`` as an HTML file."""
    template = _templates().get_template("page.html.j2")
    longest = max((each.evidence.workers for each in report.advice), default=0.0) or 1.0
    return template.render(
        report=report,
        begin=_time(report.begin),
        end=_time(report.end),
        moves=[each for each in report.shown if each.verdict in MOVES],
        others=[each for each in report.shown if each.verdict not in MOVES],
        sentences=sentences,
        bar=lambda advice: _bar(advice, longest),
    )


def _bar(advice: Advice, longest: float) -> tuple[float, float]:
    """Return how long the bar of the workers is, and the part in which they wait, in percent."""
    whole = 100 * advice.evidence.workers / longest
    return round(whole, 2), round(whole * (advice.waiting or 0.0), 2)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


@cache
def _templates() -> "Environment":
    return template_environment("django_tandem.advisor", autoescape=True)
