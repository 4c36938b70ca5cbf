"""Show what runs: the generations, and each process with its state, age and use."""

import argparse
from pathlib import Path

from django_tandem.cli import console, handovers, live, standing
from django_tandem.cli.place import find_run_dir
from django_tandem.inprocess import counts
from django_tandem.runtime import snapshot
from django_tandem.runtime.snapshot import Snapshot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print it as JSON")
    how.add_argument("--watch", action="store_true", help="show it anew each second, until Ctrl-C")


def run(options: argparse.Namespace) -> int:
    """Print the status; 1 when nothing runs, or not all that should."""
    run_dir = find_run_dir(options)
    if options.watch:
        live.repeat(_View(run_dir).show)
        return 0
    now = snapshot.take(run_dir)
    if options.json:
        console.as_json({**standing.facts(now), "handed_over": _handed_over(run_dir)})
    else:
        _show(now)
    return 0 if now.is_ready else 1


def _show(now: Snapshot, before: Snapshot | None = None) -> None:
    standing.show(now, before)
    handovers.show(_handed_over(now.run_dir))


def _handed_over(run_dir: Path) -> list[dict[str, object]]:
    return [handovers.row(each) for each in counts.read(run_dir)]


class _View:
    """One look after the other, each with what was used since the last."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._before: Snapshot | None = None

    def show(self) -> None:
        now = snapshot.take(self._run_dir)
        _show(now, self._before)
        self._before = now
