"""The report of a session, as JSON too, and the reasons to distrust it."""

import os
import platform
import shlex
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django_tandem.bench.replay.routes import route_figures
from django_tandem.bench.results import METRICS, ResultRow, TopologySummary, median, ratio
from django_tandem.bench.session import NO_WEBSOCKETS, Session
from django_tandem.bench.workload import Replay, WebSockets, Workload

# From this share of a CPU on, the driver was the bottleneck.
BUSY_SHARE = 0.9
# Of routes, in a sentence.
MOST_NAMED = 5
PACKAGES = (
    *("django-tandem", "django", "asgiref", "channels", "djangorestframework", "graphene-django"),
    *("gunicorn", "uvicorn", "uvloop", "daphne", "hypercorn", "granian", "uwsgi", "waitress"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchReport:
    """
    A whole session.

    ``baseline`` is the topology that ratios refer to. ``rows`` has one for each workload and
    topology, in the order of both. ``command`` repeats the session. ``was_cut`` is true when it
    was interrupted before its last round.
    """

    title: str
    at: str
    command: str
    baseline: str
    topologies: tuple[TopologySummary, ...]
    workloads: tuple[Workload, ...]
    rows: tuple[ResultRow, ...]
    machine: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    was_cut: bool = False
    notes: tuple[str, ...] = ()

    @property
    def peak_generator_share(self) -> float:
        """The load generator's largest share of one CPU in any round."""
        shares = (each.driven.generator_share for row in self.rows for each in row.rounds)
        return max(shares, default=0.0)

    def row(self, workload: str, topology: str) -> ResultRow | None:
        """Return the row of that workload and topology, None when there is none."""
        found = (r for r in self.rows if (r.workload, r.topology) == (workload, topology))
        return next(found, None)

    def rows_of(self, workload: Workload) -> tuple[ResultRow, ...]:
        """Return the rows of one workload."""
        return tuple(row for row in self.rows if row.workload == workload.name)

    def title_of(self, topology: str) -> str:
        """Return a topology's title, or its name when it has none."""
        return next((each.title for each in self.topologies if each.name == topology), topology)


def report(
    session: Session,
    *,
    title: str,
    command: Sequence[str],
    baseline: str,
    began: float,
    notes: Iterable[str] = (),
) -> BenchReport:
    """Return the report of a session that started at ``began``, on the monotonic clock."""
    return BenchReport(
        title=title,
        at=datetime.now(UTC).isoformat(timespec="minutes"),
        command=shlex.join(command),
        baseline=baseline,
        topologies=tuple(
            session.summaries.get(each.name, each.summary("did not start"))
            for each in session.topologies
        ),
        workloads=tuple(session.workloads),
        rows=tuple(session.rows.values()),
        machine=machine(),
        versions=versions(PACKAGES),
        seconds=round(time.monotonic() - began, 1),
        was_cut=session.was_cut,
        notes=tuple(notes),
    )


def machine() -> dict[str, Any]:
    """Return the facts about this machine that decide the results."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": platform.platform(),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of the installed ``packages``."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def is_complete(given: BenchReport) -> bool:
    """Return whether each topology finished all rounds of each workload that applies to it."""
    return all(row.failure in ("", NO_WEBSOCKETS) for row in given.rows)


def as_json(given: BenchReport) -> dict[str, Any]:
    """Return the report for JSON, with each row's medians and ratios in addition to its rounds."""
    rows = [{**asdict(row), "figures": _figures(row, given)} for row in given.rows]
    share = round(given.peak_generator_share, 3)
    workloads = [_redacted(each) for each in given.workloads]
    whole = {**asdict(given), "workloads": workloads, "rows": rows, "generator_share": share}
    return {**whole, "routes": [asdict(each) for each in route_figures(given.rows)]}


def _redacted(workload: Workload) -> dict[str, Any]:
    # A header, a body or a query may be a secret, and reports are shared.
    headers = [(name, "…") for name, _ in workload.headers]
    return {
        **asdict(replace(workload, replay=None)),
        "headers": headers,
        "body": "…" if workload.body else "",
        "replay": workload.replay and _summary(workload.replay),
    }


def _summary(replay: Replay) -> dict[str, Any]:
    return {
        "source": replay.source,
        "began": datetime.fromtimestamp(replay.began, UTC).isoformat(timespec="seconds"),
        "span_s": round(replay.span_s, 3),
        "speed": replay.speed,
        "requests": len(replay.requests),
        "routes": dict(Counter(each.route for each in replay.requests).most_common()),
        "left_out": dict(replay.left_out),
    }


def _figures(row: ResultRow, given: BenchReport) -> dict[str, Any]:
    baseline = given.row(row.workload, given.baseline)
    found = {}
    for metric in METRICS:
        middle = median(row, metric)
        if middle is None:
            continue
        over = ratio(row, baseline, metric)
        found[metric.name] = {"median": round(middle, 3), "ratio": over and asdict(over)}
    return found


def warnings(given: BenchReport) -> list[str]:
    """Return the reasons to distrust the results."""
    found = list(given.notes)
    share = given.peak_generator_share
    if share > BUSY_SHARE:
        found.append(
            f"The load generator used {share:.0%} of a CPU and may have been the bottleneck: the "
            "fastest rows show its limit. Use fewer connections, or a slower URL."
        )
    if given.was_cut:
        found.append("The session was interrupted; only finished rounds are shown.")
    if max((len(row.rounds) for row in given.rows), default=0) == 1:
        found.append("There was only one round: the spread is unknown.")
    for workload in given.workloads:
        if workload.sockets is not None:
            found += _socket_warnings(given.rows_of(workload), workload.sockets)
        if workload.replay is not None:
            found += _replay_warnings(given.rows_of(workload), workload.replay)
    return found


def _socket_warnings(rows: Sequence[ResultRow], wanted: WebSockets) -> Iterator[str]:
    found = [each.driven.sockets for row in rows for each in row.rounds if each.driven.sockets]
    if found and not any(each.opened for each in found):
        why = ", ".join(kind for kind, _ in found[0].why) or "none was answered"
        yield (
            f"No WebSocket opened on {wanted.path} ({why}). Name a path that a consumer serves: "
            "`--ws /ws/lots/1/`, and a `--header` that it needs."
        )


def _replay_warnings(rows: Sequence[ResultRow], replay: Replay) -> Iterator[str]:
    if replay.left_out:
        kinds = ", ".join(f"{kind} ({count:,})" for kind, count in replay.left_out)
        yield f"Left out of the replay: {kinds}."
    changed: dict[str, str] = {}
    for each in route_figures(rows):
        for kind, _ in each.changed[:1]:
            changed.setdefault(each.route, f"{each.route} ({kind})")
    if changed:
        yield (
            f"Other statuses than recorded: {', '.join(list(changed.values())[:MOST_NAMED])}. "
            "A log has no cookies: give those of a session by `--header`."
        )
