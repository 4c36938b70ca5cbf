"""
The files of a project's own Prometheus metrics, in which prometheus_client keeps each process's.

A directory for each generation: its workers count in it. The monitor adds the counts of those that
have ended to one more, as a counter must not decrease, and removes them. A directory is in shared
memory, where there is any: a write to a page of a disk may wait for that disk.
A project that sets PROMETHEUS_MULTIPROC_DIR itself keeps its own.
"""

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from django_tandem.inprocess import shared_memory
from django_tandem.inprocess.generation_files import GenerationFiles

logger = logging.getLogger("django_tandem")

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
DIRECTORIES = GenerationFiles("prometheus")
# Suffixes of the directory of a generation that has ended, and of that with the sum of these.
ENDED = ".ended"
TOTAL = ".total"
# A file of one process has 64 kB. A generation gets no directory in shared memory with less room.
LEAST_BYTES = 4 * 1024**2


def make_directory() -> None:
    """Make the directory of this generation: without it, a metric can't be made."""
    path = DIRECTORIES.path_of_process()
    if path is None or os.environ.get(VARIABLE) != str(path):
        return
    try:
        make(path)
    except OSError as error:
        # The disk may be full.
        logger.warning("The project's Prometheus metrics are not on the monitor's page: %s.", error)
        del os.environ[VARIABLE]
        return
    # The project imports prometheus_client, and no other process does.
    from django_tandem.inprocess import metrics_file  # noqa: PLC0415

    metrics_file.install()


def make(path: Path) -> None:
    """Make a directory, in shared memory where there is room, and lock it."""
    if not path.is_dir():
        if path.is_symlink():
            # The machine was restarted.
            path.unlink(missing_ok=True)
        if _has_shared_memory():
            _make_in_shared_memory(path)
        else:
            path.mkdir(mode=0o700, exist_ok=True)
    shared_memory.lock_directory(path)


def _has_shared_memory() -> bool:
    if not shared_memory.is_available():
        return False
    with contextlib.suppress(OSError):
        if shared_memory.free_bytes() < LEAST_BYTES:
            logger.warning(
                "%s is full: the project's Prometheus metrics are in the run directory.",
                shared_memory.DIRECTORY,
            )
            return False
    return True


def _make_in_shared_memory(path: Path) -> None:
    target = tempfile.mkdtemp(prefix=shared_memory.METRICS_PREFIX, dir=shared_memory.DIRECTORY)
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
    is_ours = target.name.startswith(shared_memory.METRICS_PREFIX)
    if target.parent == shared_memory.DIRECTORY and is_ours:
        shared_memory.remove_directory(target)
    path.unlink(missing_ok=True)
