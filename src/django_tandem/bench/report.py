"""A session → its report, and the report as JSON."""

import os
import platform
import shlex
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django_tandem.bench.metrics import METRICS, median, peak_generator_share, ratio
from django_tandem.bench.results import Report, Row
from django_tandem.bench.session import NO_WEBSOCKETS, Session
from django_tandem.bench.workload import Workload

# From this share of a CPU on, the driver was the bottleneck.
BUSY_SHARE = 0.9
PACKAGES = (
    *("django-tandem", "django", "asgiref", "channels", "djangorestframework", "graphene-django"),
    *("gunicorn", "uvicorn", "uvloop", "daphne", "hypercorn", "granian", "uwsgi", "waitress"),
)


def report(
    session: Session,
    *,
    title: str,
    command: Sequence[str],
    baseline: str,
    began: float,
    notes: Iterable[str] = (),
) -> Report:
    """Return the report of a session that started at ``began``, on the monotonic clock."""
    return Report(
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


def is_complete(given: Report) -> bool:
    """Return whether each topology finished all rounds of each workload that applies to it."""
    return all(row.failure in ("", NO_WEBSOCKETS) for row in given.rows)


def as_json(given: Report) -> dict[str, Any]:
    """Return the report for JSON, with each row's medians and ratios beside its rounds."""
    rows = [{**asdict(row), "figures": _figures(row, given)} for row in given.rows]
    share = round(peak_generator_share(given), 3)
    workloads = [_redacted(each) for each in given.workloads]
    return {**asdict(given), "workloads": workloads, "rows": rows, "generator_share": share}


def _redacted(workload: Workload) -> dict[str, Any]:
    # A header or a body may be a secret, and reports are shared.
    headers = [(name, "…") for name, _ in workload.headers]
    return {**asdict(workload), "headers": headers, "body": "…" if workload.body else ""}


def _figures(row: Row, given: Report) -> dict[str, Any]:
    baseline = given.row(row.workload, given.baseline)
    found = {}
    for metric in METRICS:
        middle = median(row, metric)
        if middle is None:
            continue
        over = ratio(row, baseline, metric)
        found[metric.name] = {"median": round(middle, 3), "ratio": over and asdict(over)}
    return found


def warnings(given: Report) -> list[str]:
    """Return the reasons to distrust the results."""
    found = list(given.notes)
    share = peak_generator_share(given)
    if share > BUSY_SHARE:
        found.append(
            f"The load generator used {share:.0%} of a CPU and may have been the bottleneck: the "
            "fastest rows show its limit. Use fewer connections, or a slower URL."
        )
    if given.was_cut:
        found.append("The session was interrupted; only finished rounds are shown.")
    if max((len(row.rounds) for row in given.rows), default=0) == 1:
        found.append("There was only one round: the spread is unknown.")
    return found
