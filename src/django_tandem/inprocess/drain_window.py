"""
The drain window of a generation: a file in the run directory that starts its drain.

A file reaches every process of every server, also of one that takes no signal for it.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from django_tandem.atomic_files import create_file, replace_file
from django_tandem.inprocess.generation_files import GenerationFiles
from django_tandem.model import DrainMode

FILES = GenerationFiles("drain")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainWindow:
    """
    The time within which connections end: ``window_s`` from the Unix time ``started_at_s``.

    All of them end by ``mode``; each as its own settings have it where that is None.
    """

    started_at_s: float
    window_s: float
    mode: DrainMode | None = None

    def remaining_s(self) -> float:
        """Return how much of the window remains."""
        # A clock that was set in the meantime must neither extend the window nor make it negative.
        left_s = self.started_at_s + self.window_s - time.time()
        return min(self.window_s, max(0.0, left_s))


def write(run_dir: Path, generation: int, window_s: float, mode: DrainMode | None = None) -> None:
    """
    Have ``generation`` close its WebSockets and streams within ``window_s`` from now.

    With ``mode`` in that way, instead of as its settings say. Replaces a window that is open.
    """
    replace_file(FILES.path(run_dir, generation), _text(window_s, mode))


def open_once(
    run_dir: Path, generation: int, window_s: float, mode: DrainMode | None = None
) -> None:
    """Write the window as :func:`write` does, unless one is open, such as that of a stop."""
    create_file(FILES.path(run_dir, generation), _text(window_s, mode))


def _text(window_s: float, mode: DrainMode | None) -> str:
    return f"{window_s}\n{mode or ''}".rstrip("\n") + "\n"


def version(run_dir: Path, generation: int) -> tuple[int, int] | None:
    """Return what differs after each write of the window, or ``None`` where there is none."""
    try:
        found = FILES.path(run_dir, generation).stat()
    except OSError:
        return None
    # The time alone may be the same: the kernel's clock for files ticks every few milliseconds.
    return found.st_mtime_ns, found.st_ino


def read(run_dir: Path, generation: int) -> DrainWindow | None:
    """Return the open window of ``generation``, or ``None`` if it does not drain."""
    try:
        with FILES.path(run_dir, generation).open() as file:
            started_at_s = os.fstat(file.fileno()).st_mtime
            length, *modes = file.read().splitlines()
        return DrainWindow(
            started_at_s=started_at_s,
            window_s=max(0.0, float(length)),
            mode=_mode(modes[0]) if modes else None,
        )
    # A file without a number was not written by us.
    except (OSError, ValueError):
        return None


def _mode(name: str) -> DrainMode | None:
    try:
        return DrainMode(name)
    # The supervisord of another version may have written it.
    except ValueError:
        return None
