"""The report of a fan-out: tables of medians, JSON with every round, and reasons to distrust it."""

import shlex
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from django_tandem.bench.fanout_load import processes_for
from django_tandem.bench.fanout_results import FanoutRound, FanoutRow, StormResult
from django_tandem.bench.fanout_session import FanoutSchedule, FanoutSession
from django_tandem.bench.report import BUSY_SHARE, PACKAGES, machine, versions


@dataclass(frozen=True, slots=True)
class FanoutMetric:
    """One number of a round; ``read`` returns None where it was not measured."""

    name: str
    heading: str
    read: Callable[[FanoutRound], float | None]
    digits: int = 0


def _sent(name: str) -> Callable[[FanoutRound], float | None]:
    return lambda each: getattr(each.broadcast, name, None)


def _latency(name: str) -> Callable[[FanoutRound], float | None]:
    return lambda each: getattr(getattr(each.broadcast, "latency", None), name, None)


METRICS: tuple[FanoutMetric, ...] = (
    FanoutMetric("opened", "OPENED", lambda each: each.idle.opened),
    FanoutMetric("servers_kb", "KB A SOCKET", lambda each: each.idle.servers_kb, 1),
    FanoutMetric("edge_kb", "EDGE'S KB", lambda each: each.idle.edge_kb, 1),
    FanoutMetric("per_core", "DELIVERIES/S A CORE", _sent("per_core")),
    FanoutMetric("per_core_with_edge", "WITH THE EDGE", _sent("per_core_with_edge")),
    FanoutMetric("p50_ms", "P50 (ms)", _latency("p50_ms"), 1),
    FanoutMetric("p99_ms", "P99 (ms)", _latency("p99_ms"), 1),
    FanoutMetric("lost", "LOST", _sent("lost")),
    FanoutMetric("repeated", "REPEATED", _sent("repeated")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutReport:
    """A whole session; ``command`` repeats it, ``was_cut`` when it was interrupted."""

    title: str
    at: str
    command: str
    path: str
    schedule: FanoutSchedule
    rows: tuple[FanoutRow, ...]
    machine: dict[str, Any]
    versions: dict[str, str]
    seconds: float
    was_cut: bool = False
    notes: tuple[str, ...] = ()


def fanout_report(
    session: FanoutSession,
    *,
    title: str,
    command: Sequence[str],
    began: float,
    notes: Iterable[str] = (),
) -> FanoutReport:
    """Return the report of a session that started at ``began``, on the monotonic clock."""
    return FanoutReport(
        title=title,
        at=datetime.now(UTC).isoformat(timespec="minutes"),
        command=shlex.join(command),
        path=session.job.path,
        schedule=session.schedule,
        rows=tuple(session.rows.values()),
        machine=machine(),
        versions=versions((*PACKAGES, "channels-redis")),
        seconds=round(time.monotonic() - began, 1),
        was_cut=session.was_cut,
        notes=tuple(notes),
    )


def is_complete(report: FanoutReport) -> bool:
    """Return whether each topology finished all of its rounds."""
    return not any(row.failure for row in report.rows)


def median(row: FanoutRow, metric: FanoutMetric) -> float | None:
    """Return the median over the row's rounds, None when no round has one."""
    found = [value for each in row.rounds if (value := metric.read(each)) is not None]
    return statistics.median(found) if found else None


def as_json(report: FanoutReport) -> dict[str, Any]:
    """Return the report for JSON, with each row's medians in addition to its rounds."""
    rows = [{**asdict(row), "figures": _figures(row)} for row in report.rows]
    return {**asdict(report), "rows": rows}


def _figures(row: FanoutRow) -> dict[str, float]:
    medians = {metric.name: median(row, metric) for metric in METRICS}
    return {name: round(value, 3) for name, value in medians.items() if value is not None}


def delivery_table(report: FanoutReport) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the heads and the lines of the table of memory and broadcasts."""
    lines = []
    for row in report.rows:
        if row.rounds:
            values = [(median(row, metric), metric) for metric in METRICS]
            cells = ("" if v is None else f"{v:,.{metric.digits}f}" for v, metric in values)
            lines.append((row.title, *cells))
    return ("", *(metric.heading for metric in METRICS)), lines


def storm_table(report: FanoutReport) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the heads and the lines of the table of storms: of each the slowest round."""
    heads = ("", "AFTER A", "CLOSED", "ALL OPEN (s)", "RECONNECTED P50 (s)", "P99 (s)", "REFUSED")
    lines = []
    for row in report.rows:
        for cause in report.schedule.storms:
            found = [s for each in row.rounds for s in each.storms if s.cause == cause]
            if found:
                lines.append((row.title, *_storm_cells(max(found, key=_slowness))))
    return heads, lines


def _slowness(storm: StormResult) -> float:
    return float("inf") if storm.seconds is None else storm.seconds


def _storm_cells(storm: StormResult) -> tuple[str, ...]:
    latency = storm.reopening
    return (
        storm.cause,
        f"{storm.closed_total:,}",
        "never" if storm.seconds is None else f"{storm.seconds:.1f}",
        f"{latency.p50_ms / 1000:.2f}" if latency else "",
        f"{latency.p99_ms / 1000:.2f}" if latency else "",
        f"{sum(times for _, times in storm.refused):,}",
    )


def warnings(report: FanoutReport) -> Iterator[str]:
    """Yield the reasons to distrust the results."""
    yield from report.notes
    processes = processes_for(report.schedule.count, report.schedule.cpus)
    sent = [each.broadcast for row in report.rows for each in row.rounds if each.broadcast]
    share = max((each.generator_cpu_s / each.seconds / processes for each in sent), default=0.0)
    if share > BUSY_SHARE:
        yield (
            f"The clients used {share:.0%} of a CPU in each of {processes} processes and may have "
            "been the bottleneck: latencies include their queue. Deliveries a core do not."
        )
    for row in report.rows:
        for why, times in _refused(row).items():
            yield f"{row.title}: {why}, {times} times"
    if report.was_cut:
        yield "The session was interrupted; only finished rounds are shown."


def _refused(row: FanoutRow) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in row.rounds:
        closed = each.broadcast.closed if each.broadcast else ()
        for why, times in (*each.idle.refused, *((f"closed with {code}", n) for code, n in closed)):
            counts[why] = counts.get(why, 0) + times
    return counts
