"""The project's own Prometheus metrics, merged over the processes of all running generations."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from django_tandem.inprocess import prometheus_files

# The names on the monitor's page that are not the project's.
OWN_PREFIX = "tandem_"
OWN_NAMES = frozenset({"http_server_request_duration_seconds"})
# Gauges of running processes alone.
LIVE_GAUGE = re.compile(r"gauge_live\w*_(?P<pid>[0-9]+)\.db")


def read(run_dir: Path, warn: Callable[[str], None]) -> tuple[Metric, ...]:
    """
    Return the project's metrics; none where it has none.

    ``warn`` is called with a sentence on those that are left out, at each scrape.
    """
    try:
        return tuple(_without_ours(_merged(run_dir), warn))
    except Exception as error:  # noqa: BLE001 - a damaged file, in the format of prometheus_client
        warn(f"The project's Prometheus metrics can't be read: {error or type(error)}.")
        return ()


def _without_ours(metrics: Iterable[Metric], warn: Callable[[str], None]) -> Iterator[Metric]:
    for metric in metrics:
        if metric.name in OWN_NAMES or metric.name.startswith(OWN_PREFIX):
            warn(
                f"The project's metric {metric.name} is not on the monitor's page, which has that "
                "name itself. Rename it."
            )
        else:
            yield metric


def _merged(run_dir: Path) -> Iterable[Metric]:
    files = [
        str(path)
        for directory in sorted(prometheus_files.directories(run_dir))
        for path in sorted(directory.glob("*.db"))
        if not _is_of_dead(path)
    ]
    merged: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
    return merged


def _is_of_dead(path: Path) -> bool:
    """Return whether the file has gauges of a process that has ended; remove it then."""
    found = LIVE_GAUGE.fullmatch(path.name)
    if found is None or psutil.pid_exists(int(found["pid"])):
        return False
    with suppress(OSError):
        path.unlink()
    return True
