"""Show live which routes the workers serve: rates, times, queues, errors and sockets."""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from django_tandem.cli import console
from django_tandem.cli.argument_types import seconds
from django_tandem.cli.run_dirs import add_run_dir_argument, find_running_dir
from django_tandem.cli.terminal import Terminal
from django_tandem.cli.top_keys import TopView, keys_in, press
from django_tandem.cli.top_screen import Size, screen
from django_tandem.errors import RefusedError
from django_tandem.monitor.client import read_snapshot
from django_tandem.monitor.snapshot import Snapshot

# Where stdout is no terminal, nothing is cut.
PRINTED_WIDTH = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_run_dir_argument(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true", help="print it once, with every route")
    how.add_argument("--json", action="store_true", help="print the snapshot as JSON")
    parser.add_argument(
        "--interval", metavar="SECONDS", type=seconds, default=1.0, help="between two updates (1)"
    )


def run(options: argparse.Namespace) -> int:
    """Show the traffic until `q` or Ctrl-C; once where stdin or stdout is no terminal."""
    run_dir = find_running_dir(options)
    first = read_snapshot(run_dir)
    if options.json:
        console.print_json(first.as_json())
        return 0
    own = Console()
    if options.once or not own.is_terminal or own.is_dumb_terminal or not sys.stdin.isatty():
        _print(first, own)
        return 0
    _show(run_dir, first, options.interval)
    return 0


def _print(now: Snapshot, own: Console) -> None:
    width = own.width if own.is_terminal else PRINTED_WIDTH
    for line in screen(now, TopView(), Size(width=width, is_ascii=_is_ascii())):
        if own.is_terminal and not own.is_dumb_terminal:
            own.print(line, highlight=False, no_wrap=True, overflow="ignore", crop=False)
        else:
            console.line_out(line.plain.rstrip())


def _is_ascii() -> bool:
    return "utf" not in (sys.stdout.encoding or "").lower()


@dataclass(slots=True)
class _Feed:
    """The newest snapshot, and why there is no newer one."""

    run_dir: Path
    now: Snapshot
    note: str = ""

    def update(self) -> None:
        try:
            self.now, self.note = read_snapshot(self.run_dir), ""
        except RefusedError as error:
            self.note = error.message


def _show(run_dir: Path, first: Snapshot, interval_s: float) -> None:
    feed, view = _Feed(run_dir, first), TopView()
    with Terminal().opened() as terminal:
        due_s = time.monotonic() + interval_s
        try:
            while not view.has_ended:
                width, height = terminal.size
                size = Size(width=width, height=height, is_ascii=_is_ascii())
                terminal.show(screen(feed.now, view, size, feed.note))
                for key in keys_in(terminal.keys(due_s - time.monotonic())):
                    view = press(view, key)
                if time.monotonic() >= due_s:
                    due_s = time.monotonic() + interval_s
                    if not view.is_paused:
                        feed.update()
        except KeyboardInterrupt:
            pass
