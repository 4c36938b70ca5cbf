"""The monitor's history → requests at its rates: it has the routes, and an example URL of each."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from django_tandem.bench.replay.access_logs import LoggedRequest
from django_tandem.bench.replay.recording import MOST_REQUESTS
from django_tandem.bench.workload import Replay, TimedRequest
from django_tandem.monitor.minutes import EDGE_FILES, OTHER_ROUTES, UNMATCHED, RouteMinute

# Of each route; a cache would answer one URL alone.
MOST_EXAMPLES = 50
# The characters of a pattern that stands for more than one path.
PARAMETERS = frozenset("<>()[]^$\\*+?|")
UNNAMED = (EDGE_FILES, OTHER_ROUTES, UNMATCHED)
NO_URL = ", of which the log has no URL"
# The same requests each time, for a comparison of two sessions.
SEED = 18


def examples_of(
    logged: Iterable[LoggedRequest], methods: Iterable[str], route_of: Callable[[str], str]
) -> dict[str, list[tuple[str, str]]]:
    """Return the methods and targets with which a log shows each route, the latest first."""
    allowed = frozenset(methods)
    found: defaultdict[str, dict[tuple[str, str], None]] = defaultdict(dict)
    for each in reversed(list(logged)):
        if each.method in allowed and each.target.startswith("/"):
            examples = found[each.route or route_of(each.target)]
            if len(examples) < MOST_EXAMPLES:
                examples[each.method, each.target] = None
    return {route: list(examples) for route, examples in found.items()}


def from_history(
    records: Iterable[RouteMinute],
    source: str,
    span_s: float,
    examples: Mapping[str, Sequence[tuple[str, str]]],
    methods: Container[str] = ("GET",),
) -> Replay:
    """
    Return requests at the rates of the busiest minute, for ``span_s`` seconds.

    Arrivals are random, as those of independent clients are. A route without a parameter is its
    own example if ``methods`` have GET; one with parameters needs one of ``examples``.
    """
    periods: defaultdict[tuple[int, int], list[RouteMinute]] = defaultdict(list)
    left_out: Counter[str] = Counter()
    for each in records:
        if not each.is_long and each.route not in UNNAMED:
            periods[each.minute, each.minutes].append(each)
    if not periods:
        return Replay(source=source)
    (minute, minutes), busiest = max(periods.items(), key=_rate)
    requests: list[TimedRequest] = []
    for route, counted in _by_route(busiest).items():
        known = examples.get(route) or (_own_example(route) if "GET" in methods else [])
        wanted = counted.requests * span_s / (60 * minutes)
        if known:
            requests += _arrivals(counted, wanted, span_s, known)
        else:
            left_out[f"requests of {route}{NO_URL}"] = round(wanted)
    requests.sort(key=lambda each: each.at_s)
    return Replay(
        source=source,
        began=minute * 60.0,
        span_s=span_s,
        requests=tuple(requests[:MOST_REQUESTS]),
        left_out=tuple(left_out.most_common()),
    )


def _rate(period: tuple[tuple[int, int], list[RouteMinute]]) -> float:
    (_, minutes), records = period
    return sum(each.requests for each in records) / minutes


def _by_route(records: Iterable[RouteMinute]) -> dict[str, RouteMinute]:
    found: dict[str, RouteMinute] = {}
    for each in records:
        # Both stacks may have served it.
        found.setdefault(
            each.route, RouteMinute(minute=each.minute, route=each.route, stack="")
        ).add(each)
    return dict(sorted(found.items()))


def _own_example(route: str) -> list[tuple[str, str]]:
    return [] if PARAMETERS & set(route) or not route.startswith("/") else [("GET", route)]


def _arrivals(
    counted: RouteMinute, wanted: float, span_s: float, examples: Sequence[tuple[str, str]]
) -> list[TimedRequest]:
    chance = random.Random(f"{SEED} {counted.route}")  # noqa: S311 - not a secret
    status = max(counted.statuses, key=lambda each: counted.statuses[each])
    times = sorted(chance.uniform(0, span_s) for _ in range(round(wanted)))
    return [
        TimedRequest(
            at_s=round(at_s, 6),
            method=method,
            target=target,
            route=counted.route,
            status=status,
        )
        for at_s in times
        for method, target in [chance.choice(examples)]
    ]
