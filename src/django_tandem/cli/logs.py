"""Show the logs of the programs."""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from django_tandem.cli import console
from django_tandem.cli.argument_types import line_count
from django_tandem.cli.run_dirs import add_run_dir_argument, find_running_dir
from django_tandem.errors import MachineError, RefusedError, did_you_mean
from django_tandem.model.programs import is_named
from django_tandem.runtime import logs
from django_tandem.runtime.state import read_state


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_run_dir_argument(parser)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="only these, such as wsgi")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as lines are logged")
    parser.add_argument("-n", "--lines", type=line_count, default=20, help="how many of each (20)")


def run(options: argparse.Namespace) -> int:
    """Print the last lines of each program, its name before each."""
    run_dir = find_running_dir(options)
    programs = _chosen(options.programs, run_dir)
    try:
        for program, line in _lines(options, run_dir, programs):
            console.line_out(f"{program:<10} | {line}")
            if options.follow:
                # A pipe, as to grep, would get nothing before 8 KiB are full.
                console.flush()
    except KeyboardInterrupt:
        pass
    return 0


def _lines(
    options: argparse.Namespace, run_dir: Path, programs: list[str]
) -> Iterator[tuple[str, str]]:
    if options.follow:
        yield from logs.follow(run_dir, partial(_now_chosen, options, run_dir), options.lines)
    for program in programs:
        for line in logs.last_lines(run_dir, program, options.lines):
            yield program, line


def _now_chosen(options: argparse.Namespace, run_dir: Path) -> list[str]:
    """Return the programs to follow, in which a reload replaces those of a generation."""
    known = _known(run_dir)
    return [program for name in options.programs or known for program in _named(name, known)]


def _chosen(wanted: list[str], run_dir: Path) -> list[str]:
    known = _known(run_dir)
    if not known:
        raise RefusedError(f"Nothing has run in {run_dir} yet.", hint="Start it with `tandem up`.")
    for name in wanted:
        if not _named(name, known) and not logs.log_path(run_dir, name).exists():
            raise MachineError(
                f'"{name}" is not a program of this stack.',
                hint=did_you_mean(name, known, otherwise=f"There are {', '.join(known)}."),
            )
    chosen = [program for name in wanted or known for program in _named(name, known) or [name]]
    return list(dict.fromkeys(chosen))


def _known(run_dir: Path) -> list[str]:
    state = read_state(run_dir)
    if state is not None:
        return [name for process in state.processes for name in process.logs]
    return sorted(path.stem for path in run_dir.glob("*.log"))


def _named(name: str, known: list[str]) -> list[str]:
    """Find ``wsgi-1`` by its whole name, or by ``wsgi``."""
    return [program for program in known if is_named(program, name)]
