"""Show the logs of the programs."""

import argparse
import json
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from django_tandem.cli import console
from django_tandem.cli.argument_types import line_count
from django_tandem.cli.run_dirs import add_run_dir_argument, find_running_dir
from django_tandem.errors import MachineError, RefusedError, did_you_mean
from django_tandem.inprocess.json_logging import read_object
from django_tandem.model.programs import is_named
from django_tandem.runtime import logs
from django_tandem.runtime.json_lines import JsonLines
from django_tandem.runtime.state import read_state


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_run_dir_argument(parser)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="only these, such as wsgi")
    parser.add_argument(
        "-f", "--follow", action="store_true", help="print further lines as they come"
    )
    parser.add_argument("-n", "--lines", type=line_count, default=20, help="how many of each (20)")
    parser.add_argument("--request", metavar="ID", help="only lines with the id of this request")
    parser.add_argument("--json", action="store_true", help="print a JSON object on each line")


def run(options: argparse.Namespace) -> int:
    """Print the last lines of each program, its name before each."""
    run_dir = find_running_dir(options)
    _refuse_without_logs(run_dir)
    programs = _chosen(options.programs, run_dir)
    forms: dict[str, JsonLines | ReadableLines] = {}
    has_printed = False
    try:
        for program, lines in _lines(options, run_dir, programs):
            if program not in forms:
                # When a line of text was logged is not known.
                new = JsonLines(program, lambda: None) if options.json else ReadableLines(program)
                forms[program] = new
            for line in forms[program].feed(lines):
                console.line_out(line.decode(errors="replace"))
                has_printed = True
            if options.follow:
                # A pipe, as to grep, would get nothing before 8 KiB are full.
                console.flush()
    except KeyboardInterrupt:
        pass
    if options.request and not has_printed:
        searched = f"{'log' if len(programs) == 1 else 'logs'} of {console.listed(programs)}"
        console.line_err(f'No line of the {searched} has "{options.request}".')
    return 0


def _refuse_without_logs(run_dir: Path) -> None:
    state = read_state(run_dir)
    if state is not None and not state.is_supervised:
        raise RefusedError(
            f"{state.processes[0].program} logs to its standard output, and {run_dir} has no logs.",
            hint="See them with `docker logs`, `kubectl logs` or `journalctl`.",
        )


def _lines(
    options: argparse.Namespace, run_dir: Path, programs: list[str]
) -> Iterator[tuple[str, list[bytes]]]:
    """Yield lines of each program; none, where those before are complete."""
    wanted = (options.request or "").encode()
    if options.follow:
        for program, lines in logs.follow(
            run_dir, partial(_now_chosen, options, run_dir), options.lines
        ):
            yield program, [line for line in lines if wanted in line]
    for program in programs:
        if wanted:
            found = (line for line in logs.all_lines(run_dir, program) if wanted in line)
            yield program, list(deque(found, maxlen=options.lines))
        else:
            yield program, logs.last_bytes(run_dir, program, options.lines)
        yield program, []


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


# What each line of a stack that logs JSON has. An object of the project without them stays JSON.
NEEDED = ("time", "level", "message")
# In the message of an access line, or at the start of the line.
NOT_REPEATED = frozenset(
    {*NEEDED, "program", "generation", "exception", "stack_info", "method", "path", "status"}
)


class ReadableLines:
    """The lines of one program's log, its name before each."""

    def __init__(self, program: str) -> None:
        self._prefix = f"{program:<10} | "

    def feed(self, lines: Sequence[bytes]) -> list[bytes]:
        """Return the lines to print: several for an object with a traceback."""
        texts = (line.decode(errors="replace") for line in lines)
        return [f"{self._prefix}{each}".encode() for text in texts for each in readable(text)]


def readable(text: str) -> list[str]:
    """Return the lines of one line of a log."""
    found = read_object(text)
    if found is None or not all(isinstance(found.get(name), str) for name in NEEDED):
        return [text]
    more = [
        f"{name}={_value(value)}"
        for name, value in found.items()
        if name not in NOT_REPEATED and value not in (None, "")
    ]
    first = " ".join([found["time"], found["level"].upper(), found["message"], *more])
    below = (found.get(name) for name in ("exception", "stack_info"))
    return [
        _printable(line) for each in (first, *filter(None, below)) for line in str(each).split("\n")
    ]


def _value(value: Any) -> str:
    if isinstance(value, str) and value.isprintable() and " " not in value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _printable(text: str) -> str:
    # A terminal would obey a control character.
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)
