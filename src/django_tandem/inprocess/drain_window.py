"""
The drain window of a generation: a file in the run directory that starts its drain.

A file reaches every process of every server, also of one that takes no signal for it.
"""

import os
import time
from pathlib import Path

from django_tandem.inprocess.generation_files import GenerationFiles
from django_tandem.model import DrainMode

FILES = GenerationFiles("drain")


def write(run_dir: Path, generation: int, window_s: float, mode: DrainMode | None = None) -> None:
    """
    Have ``generation`` close its WebSockets and streams within ``window_s`` from now.

    With ``mode`` in that way, instead of as its settings say.
    """
    path = FILES.path(run_dir, generation)
    new = path.with_name(f"{path.name}.new")
    # Replaced whole, as it is read at any moment.
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{window_s}\n{mode or ''}".rstrip("\n") + "\n")
    new.replace(path)


def window_s(run_dir: Path, generation: int) -> float | None:
    """Return the length of the drain window, or ``None`` if ``generation`` does not drain."""
    try:
        return max(0.0, float(_lines(run_dir, generation)[0]))
    # A file without a number was not written by us.
    except (OSError, ValueError, IndexError):
        return None


def mode(run_dir: Path, generation: int) -> DrainMode | None:
    """Return how all connections of ``generation`` end, None as its own settings have it."""
    try:
        return DrainMode(_lines(run_dir, generation)[1])
    except (OSError, ValueError, IndexError):
        return None


def _lines(run_dir: Path, generation: int) -> list[str]:
    return FILES.path(run_dir, generation).read_text().splitlines()


def started_at(run_dir: Path, generation: int) -> float | None:
    """Return the Unix time at which the drain started, or ``None`` if it did not."""
    try:
        return FILES.path(run_dir, generation).stat().st_mtime
    except OSError:
        return None


def remaining_s(run_dir: Path, generation: int) -> float | None:
    """Return how much of the window remains, or ``None`` if ``generation`` does not drain."""
    whole, since = window_s(run_dir, generation), started_at(run_dir, generation)
    if whole is None or since is None:
        return None
    # A clock that was set in the meantime must neither extend the window nor make it negative.
    return min(whole, max(0.0, since + whole - time.time()))
