"""
The files of a project's own Prometheus metrics, in which prometheus_client keeps each process's.

A directory for each generation: its workers count in it. The monitor adds the counts of those that
have ended to one more, as a counter must not decrease, and removes them. A directory is in shared
memory, where there is any: a process that writes to a mapped file is killed when the disk is full.
A project that sets PROMETHEUS_MULTIPROC_DIR by itself keeps its own.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from django_tandem.inprocess.generation_files import GenerationFiles
from django_tandem.inprocess.slot_file import SHARED_MEMORY

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
DIRECTORIES = GenerationFiles("prometheus")
PREFIX = "tandem-prometheus-"
# Suffixes of the directory of a generation that has ended, and of that with the sum of these.
ENDED = ".ended"
TOTAL = ".total"


def make_directory() -> None:
    """Make the directory of this generation: without it, a metric can't be made."""
    path = DIRECTORIES.path_of_process()
    if path is None or os.environ.get(VARIABLE) != str(path):
        return
    try:
        make(path)
    except OSError:
        # The disk may be full: each process then counts in its memory.
        del os.environ[VARIABLE]


def make(path: Path) -> None:
    """Make a directory, in shared memory where there is any."""
    if path.is_dir():
        return
    if not os.access(SHARED_MEMORY, os.W_OK):
        path.mkdir(mode=0o700, exist_ok=True)
        return
    if path.is_symlink() and not path.exists():
        # The machine was restarted.
        path.unlink(missing_ok=True)
    target = tempfile.mkdtemp(prefix=PREFIX, dir=SHARED_MEMORY)
    try:
        path.symlink_to(target)
    except OSError as error:
        Path(target).rmdir()
        # Another process was first.
        if not isinstance(error, FileExistsError):
            raise


def forget_process(pid: int) -> None:
    """Remove the values of a process that has ended, where they are of running processes alone."""
    if VARIABLE in os.environ:
        # Of the project, which has imported it.
        from prometheus_client import multiprocess  # noqa: PLC0415

        with contextlib.suppress(OSError):
            multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


def directories(run_dir: Path) -> Iterator[Path]:
    """Yield the directories of all generations, and that with the sum of those that have ended."""
    return run_dir.glob(f"{DIRECTORIES.name}-[0-9]*")


def remove(run_dir: Path, generation: int) -> None:
    """Remove the directory of ``generation``, if there is one."""
    remove_directory(DIRECTORIES.path(run_dir, generation))


def remove_all(run_dir: Path) -> None:
    """Remove the directories of all generations, and the sum."""
    for path in directories(run_dir):
        remove_directory(path)


def end_all_but(run_dir: Path, generations: Collection[int]) -> None:
    """Leave the counts of every generation but these to the monitor, which adds them up."""
    kept = {DIRECTORIES.path(run_dir, generation) for generation in generations}
    for path in directories(run_dir):
        if path not in kept and path.suffix not in {ENDED, TOTAL}:
            path.rename(path.with_name(path.name + ENDED))


def total_directory(run_dir: Path) -> Path:
    """Return the path of the directory with the sum of the generations that have ended."""
    return DIRECTORIES.path(run_dir, 0).with_suffix(TOTAL)


def remove_directory(path: Path) -> None:
    """Remove a directory, with its files in shared memory."""
    if not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    target = path.readlink()
    if target.parent == SHARED_MEMORY and target.name.startswith(PREFIX):
        shutil.rmtree(target, ignore_errors=True)
    path.unlink(missing_ok=True)
