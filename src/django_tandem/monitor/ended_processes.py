"""
Folds the metrics of processes that have ended into one file for each kind of metric.

prometheus_client keeps the files of each process for ever. Where workers are recycled, they would
fill the memory that they are in, and each scrape would read them all. Those of a generation that
has ended are added to the sum of such generations: Prometheus takes a counter that decreases for a
reset, and counts the rest once more.

A scrape is answered before or after a fold, never within one.
"""

import errno
import os
import re
import shutil
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from prometheus_client.mmap_dict import MmapedDict

from django_tandem.atomic_files import replacing
from django_tandem.inprocess import prometheus_files, shared_memory
from django_tandem.inprocess.metrics_file import MetricsFile

# The files of so many ended processes stay: a view of the project that reads them at the moment of
# a fold could miss one.
KEPT = 20
FILE = re.compile(r"(?P<kind>[a-z]+(?:_[a-z]+)?)_(?P<pid>[1-9][0-9]*)\.db")


class Value(NamedTuple):
    """The value of a series, and when it was set, which only some gauges have."""

    value: float
    timestamp: float


def _add(first: Value, second: Value) -> Value:
    return Value(first.value + second.value, 0.0)


# How two values of a series become one. Gauges of other kinds end with their process.
FOLDS: dict[str, Callable[[Value, Value], Value]] = {
    "counter": _add,
    "histogram": _add,
    "summary": _add,
    "gauge_sum": _add,
    "gauge_max": max,
    "gauge_min": min,
    "gauge_mostrecent": lambda first, second: max(first, second, key=lambda each: each.timestamp),
}
# The kinds of metrics that outlive their generation.
CUMULATIVE = ("counter", "histogram", "summary")
READY = "ready"


class SumFile(MetricsFile):
    """A file of sums; it raises OSError where there is no room, and what it adds up stays."""

    def _note_no_room(self, name: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)


def fold(run_dir: Path) -> None:
    """
    Fold ended generations, and in each other one the files of more than KEPT ended processes.

    Raises OSError where there is no room for the sum; the next fold continues there.
    """
    directories = list(prometheus_files.directories(run_dir))
    for directory in directories:
        shared_memory.lock_directory(directory)
        for kind in FOLDS:
            _finish(directory, kind)
    for directory in directories:
        if directory.suffix == prometheus_files.ENDED:
            _fold_generation(prometheus_files.total_directory(run_dir), directory)
            continue
        ended = _files_of_ended(directory)
        if len({pid for _kind, pid, _path in ended}) > KEPT:
            for kind in {kind for kind, _pid, _path in ended}:
                _fold_kind(directory, kind, [path for each, _, path in ended if each == kind])


def _files_of_ended(directory: Path) -> list[tuple[str, int, Path]]:
    """Return the kind of metric, the pid and the path of each file."""
    found = [(FILE.fullmatch(path.name), path) for path in directory.glob("*.db")]
    known = [(match["kind"], int(match["pid"]), path) for match, path in found if match]
    running = {pid for pid in {pid for _kind, pid, _path in known} if psutil.pid_exists(pid)}
    return [each for each in known if each[1] not in running]


def _fold_generation(total: Path, ended: Path) -> None:
    prometheus_files.make(total)
    for kind in CUMULATIVE:
        _fold_kind(total, kind, ended.glob(f"{kind}_*.db"))
    prometheus_files.remove_directory(ended)


def _fold_kind(directory: Path, kind: str, paths: Iterable[Path]) -> None:
    if kind not in FOLDS:
        for path in paths:
            path.unlink(missing_ok=True)
        return
    staged = directory / f"{kind}.folding"
    staged.mkdir()
    for number, path in enumerate(paths):
        with suppress(FileNotFoundError):
            path.rename(staged / f"{number}.db")
    _finish(directory, kind)


def _finish(directory: Path, kind: str) -> None:
    """
    Fold the files that are staged, if there are any.

    The next monitor continues where one was killed, and adds no file twice: staged files are added
    to the folded one until their directory is renamed, and then only that file is replaced.
    """
    folded = directory / f"{kind}_0.db"
    staged, added = directory / f"{kind}.folding", directory / f"{kind}.folded"
    if staged.is_dir():
        _write(staged / READY, _added_up(kind, (folded, *staged.glob("*.db"))))
        staged.rename(added)
    if added.is_dir():
        with suppress(FileNotFoundError):
            (added / READY).replace(folded)
        shutil.rmtree(added)


def _added_up(kind: str, paths: Iterable[Path]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for path in paths:
        for key, value in _read(path):
            values[key] = FOLDS[kind](values[key], value) if key in values else value
    return values


def _read(path: Path) -> Iterator[tuple[str, Value]]:
    # A damaged file ends where it is damaged.
    with suppress(FileNotFoundError, RuntimeError, ValueError, struct.error):
        values: Any = MmapedDict
        for key, value, timestamp, _position in values.read_all_values_from_file(str(path)):
            yield key, Value(value, timestamp)


def _write(path: Path, values: dict[str, Value]) -> None:
    with replacing(path) as new:
        file: Any = SumFile(str(new))
        for key, value in values.items():
            file.write_value(key, value.value, value.timestamp)
        file.close()
