"""How a generation is told that it is replaced: a file for each, in the run directory."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

RUN_DIR_VARIABLE = "TANDEM_RUN_DIR"
GENERATION_VARIABLE = "TANDEM_GENERATION"


def path_of(run_dir: Path, generation: int) -> Path:
    """Return the path of the file that drains ``generation``."""
    return run_dir / f"drain-{generation}"


def announce(run_dir: Path, generation: int, window_s: float) -> None:
    """Tell ``generation`` to end its WebSockets and streams within ``window_s`` from now."""
    new = run_dir / f"drain-{generation}.new"
    # Whole or not at all: it is read at any moment.
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{window_s}\n")
    new.replace(path_of(run_dir, generation))


def window_s(run_dir: Path, generation: int) -> float | None:
    """Return how long ``generation`` was given in all, or ``None`` if it does not drain."""
    try:
        return max(0.0, float(path_of(run_dir, generation).read_text()))
    # What says no number was not written by us.
    except (OSError, ValueError):
        return None


def announced_at(run_dir: Path, generation: int) -> float | None:
    """Return when ``generation`` was told, in seconds of the clock, or ``None`` if it was not."""
    try:
        return path_of(run_dir, generation).stat().st_mtime
    except OSError:
        return None


def left_s(run_dir: Path, generation: int) -> float | None:
    """Return how much of its window ``generation`` has left, or ``None`` if it does not drain."""
    whole, since = window_s(run_dir, generation), announced_at(run_dir, generation)
    if whole is None or since is None:
        return None
    # A clock that was set meanwhile must neither stretch the window nor turn it round.
    return min(whole, max(0.0, since + whole - time.time()))


def forget_all_but(run_dir: Path, generations: Iterable[int]) -> None:
    """Remove what was told to any generation but these."""
    kept = {path_of(run_dir, generation) for generation in generations}
    for path in run_dir.glob("drain-[0-9]*"):
        if path not in kept:
            path.unlink(missing_ok=True)


def forget(run_dir: Path, generation: int) -> None:
    """Remove what was told to ``generation``, if anything was."""
    path_of(run_dir, generation).unlink(missing_ok=True)
