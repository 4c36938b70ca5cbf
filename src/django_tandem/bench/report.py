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

from django_tandem.bench.measured import Report, Row
from django_tandem.bench.ratios import FIGURES, busiest, median, ratio
from django_tandem.bench.session import NO_WEBSOCKETS, Session
from django_tandem.bench.workload import Workload

# A driver that took this much of a CPU is what was measured.
TOO_BUSY = 0.9
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
    """Return the report of what there is; ``began`` is on the clock that only goes on."""
    return Report(
        title=title,
        at=datetime.now(UTC).isoformat(timespec="minutes"),
        command=shlex.join(command),
        baseline=baseline,
        topologies=tuple(
            session.described.get(each.name, each.described("did not start"))
            for each in session.topologies
        ),
        workloads=tuple(session.workloads),
        rows=tuple(session.rows.values()),
        machine=machine(),
        versions=versions(PACKAGES),
        seconds=round(time.monotonic() - began, 1),
        was_cut=session.is_cut,
        notes=tuple(notes),
    )


def machine() -> dict[str, Any]:
    """Return what of this machine decides the figures."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": platform.platform(),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return Python's version, and those of ``packages`` that are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def is_whole(given: Report) -> bool:
    """Return whether each topology was measured to the end in all that it can be asked."""
    return all(row.failure in ("", NO_WEBSOCKETS) for row in given.rows)


def facts(given: Report) -> dict[str, Any]:
    """Return the report as JSON has it, with each row's medians and ratios beside its rounds."""
    rows = [{**asdict(row), "figures": _figures(row, given)} for row in given.rows]
    share = round(busiest(given), 3)
    workloads = [_shown(each) for each in given.workloads]
    return {**asdict(given), "workloads": workloads, "rows": rows, "generator_share": share}


def _shown(workload: Workload) -> dict[str, Any]:
    # A header or a body may be a secret, and the file is there to be passed on.
    headers = [(name, "…") for name, _ in workload.headers]
    return {**asdict(workload), "headers": headers, "body": "…" if workload.body else ""}


def _figures(row: Row, given: Report) -> dict[str, Any]:
    baseline = given.row(row.workload, given.baseline)
    found = {}
    for figure in FIGURES:
        middle = median(row, figure)
        if middle is None:
            continue
        over = ratio(row, baseline, figure)
        found[figure.name] = {"median": round(middle, 3), "ratio": over and asdict(over)}
    return found


def warnings(given: Report) -> list[str]:
    """Return what whoever reads the figures must know before."""
    told = list(given.notes)
    share = busiest(given)
    if share > TOO_BUSY:
        told.append(
            f"The load generator took {share:.0%} of a CPU: the fastest rows show what it can ask, "
            "not what they can answer. Take fewer connections, or a slower URL."
        )
    if given.was_cut:
        told.append("It was ended before its last round; the rounds that were finished are kept.")
    return told
