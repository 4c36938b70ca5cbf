"""The project's own Prometheus metrics, merged over the processes of all running generations."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.samples import Sample

from django_tandem.inprocess import prometheus_files

# The names on the monitor's page that are not the project's.
OWN_PREFIX = "tandem_"
OWN_NAMES = frozenset({"http_server_request_duration_seconds"})
# Gauges of running processes alone.
LIVE_GAUGE = re.compile(r"gauge_live\w*_(?P<pid>[0-9]+)\.db")
# The modes in which a process that has never set a gauge changes the page.
SHOWS_UNSET = frozenset({"all", "liveall", "min", "livemin"})


def read(
    run_dir: Path, warn: Callable[[str], None], *, workers: Collection[int] = ()
) -> tuple[Metric, ...]:
    """
    Return the project's metrics; none where it has none.

    ``workers`` are the pids of the running ones. A master that has loaded the project for them has
    each gauge at 0, and serves no request that could set it: that is left out.
    ``warn`` is called with a sentence on those that are left out, at each scrape.
    """
    try:
        # Most projects have none, and each pid is a file of the kernel's to read.
        if not (files := _files(run_dir)):
            return ()
        return tuple(_without_ours(_merged(files, _masters(workers)), warn))
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


def _masters(workers: Collection[int]) -> frozenset[str]:
    found = set()
    for pid in workers:
        with suppress(psutil.Error):
            found.add(str(psutil.Process(pid).ppid()))
    return frozenset(found)


def _files(run_dir: Path) -> list[str]:
    return [
        str(path)
        for directory in sorted(prometheus_files.directories(run_dir))
        for path in sorted(directory.glob("*.db"))
        if not _is_of_dead(path)
    ]


def _merged(files: list[str], masters: Collection[str]) -> Iterable[Metric]:
    # The two steps of its merge(), after which some gauges lack the pid.
    collector: Any = MultiProcessCollector
    metrics = collector._read_metrics(files)
    for metric in metrics.values():
        if metric.type == "gauge" and metric._multiprocess_mode in SHOWS_UNSET:
            metric.samples = [each for each in metric.samples if not _is_unset(each, masters)]
    merged: Iterable[Metric] = collector._accumulate_metrics(metrics, accumulate=True)
    return merged


def _is_unset(sample: Sample, masters: Collection[str]) -> bool:
    return sample.value == 0 and dict(sample.labels)["pid"] in masters


def _is_of_dead(path: Path) -> bool:
    """Return whether the file has gauges of a process that has ended; remove it then."""
    found = LIVE_GAUGE.fullmatch(path.name)
    if found is None or psutil.pid_exists(int(found["pid"])):
        return False
    with suppress(OSError):
        path.unlink()
    return True
