"""Show what runs: the generations, and each process with its state, age and use."""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from django_tandem.cli import console, status_rows
from django_tandem.cli.argument_types import one_of
from django_tandem.cli.run_dirs import add_run_dir_argument, find_running_dir
from django_tandem.cli.status_rows import KindRow, cpu_percent, rounded
from django_tandem.inprocess import (
    blocked_routes,
    drain_window,
    handover_counts,
)
from django_tandem.model import Block
from django_tandem.model.programs import generation_of, is_master, socket_names
from django_tandem.runtime.kind_status import ProgramRole
from django_tandem.runtime.probes.client import failures
from django_tandem.runtime.status import ProgramStatus, StackStatus, read_status
from django_tandem.runtime.workers import read_slots

REFRESH_S = 1.0
# By the value of --check.
PROBES = {"ready": "/readyz", "live": "/livez", "started": "/startupz"}
COUNTED = ("RESTARTS", "CONNECTIONS")
# The columns that --watch leaves out first where the terminal is too narrow.
EXPENDABLE = ("DESCRIPTION", "STACK", "PID", "RESTARTS", "UP", "CONNECTIONS")

Layout = Callable[[Sequence[str], Sequence[Sequence[str]]], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRow:
    """The columns of one program; docs/reference/status.md describes each."""

    program: str
    generation: int | None
    duty: str
    stack: str
    state: str
    pid: int | None
    uptime_s: int | None
    cpu_percent: float | None
    memory_pss_mb: float | None
    memory_rss_mb: float | None
    restarts: int
    connections: int | None
    left_s: float | None
    what: str
    detail: str
    kinds: tuple[KindRow, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_run_dir_argument(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print it as JSON")
    how.add_argument("--watch", action="store_true", help="refresh it each second, until Ctrl-C")
    how.add_argument(
        "--check",
        nargs="?",
        metavar="PROBE",
        type=one_of(PROBES),
        const="ready",
        help="print nothing if a probe passes, else why not: ready (the default), live or started",
    )


def run(options: argparse.Namespace) -> int:
    """Print the status; 1 when nothing runs, or not all that should."""
    run_dir = find_running_dir(options)
    if options.check:
        return _check(run_dir, options.check)
    if options.watch:
        return _watch(run_dir)
    now = read_status(run_dir)
    if options.json:
        handed_over = [status_rows.handover_row(each) for each in handover_counts.read(run_dir)]
        own = list(status_rows.handler_rows(read_slots(run_dir)))
        blocked = list(map(status_rows.block_row, _blocks(run_dir)))
        console.print_json(
            {**facts(now), "handed_over": handed_over, "handlers": own, "blocked": blocked}
        )
    else:
        console.line_out(_text(now))
    return 0 if now.is_ready else 1


def facts(now: StackStatus) -> dict[str, object]:
    """Return what `--json` prints of the stack, units in the names."""
    return {
        "url": now.state.url,
        "pid": now.pid,
        "run_dir": str(now.run_dir),
        "generation": now.state.generation,
        "generation_age_s": now.age_s,
        "is_ready": now.is_ready,
        "reload_pid": now.reload_pid,
        "processes": [_row(program, now) for program in now.programs],
    }


def sentences(now: StackStatus) -> Iterator[str]:
    """Yield a sentence for each generation, and one for a reload in progress."""
    state = now.state
    where = "" if now.is_here else " in another PID namespace"
    holder = "supervisord" if state.is_supervised else state.processes[0].program
    # The roles of a host without an edge have no URL.
    url = f"{state.url} " if state.url else ""
    yield (
        f"Generation {state.generation} has served {url}for "
        f"{console.duration(now.age_s)} ({holder} has pid {now.pid}{where})."
    )
    for generation in _generations(now, ProgramRole.DRAINING):
        yield _drain_sentence(now, generation)
    if now.reload_pid is not None:
        names = ", ".join(each.status.name for each in now.in_role(ProgramRole.CANDIDATE))
        starts = f": it has started {names}" if names else ""
        yield f"A reload is in progress, with pid {now.reload_pid}{starts}."
    for generation in _generations(now, ProgramRole.ABANDONED):
        yield f"Generation {generation} was abandoned by a reload that was killed; it is stopping."


def _check(run_dir: Path, wanted: str) -> int:
    """Print in one line why a probe fails; 1 if it does."""
    found = failures(run_dir, PROBES[wanted])
    if found:
        console.line_err(f"Not {wanted}: {' '.join(found)}")
    return 1 if found else 0


def _watch(run_dir: Path) -> int:
    """Print the status each second, in place on a terminal, until Ctrl-C or the stack's end."""
    stopped = threading.Event()

    def stop(*_: object) -> None:
        stopped.set()
        raise KeyboardInterrupt

    # Set explicitly: a shell starts background jobs with SIGINT ignored. The event counts where
    # the exception is lost, as in a destructor.
    signal.signal(signal.SIGINT, stop)
    screen = Console()
    try:
        with Live(console=screen, auto_refresh=False, vertical_overflow="crop") as live:
            for text in _texts(run_dir, stopped, screen):
                if screen.is_terminal:
                    live.update(Text(text, overflow="fold"), refresh=True)
                else:
                    console.line_out(f"{text}\n")
                    sys.stdout.flush()
    except KeyboardInterrupt:
        pass
    return 0


def _texts(run_dir: Path, stopped: threading.Event, screen: Console) -> Iterator[str]:
    before = None
    while not stopped.is_set():
        now = read_status(run_dir)
        # Its width may have changed.
        narrowed = partial(console.narrowed_lines, width=screen.width, expendable=EXPENDABLE)
        yield _text(now, before, narrowed if screen.is_terminal else console.table_lines)
        before = now
        stopped.wait(REFRESH_S)


def _text(
    now: StackStatus,
    before: StackStatus | None = None,
    lay_out: Layout = console.fitted_lines,
) -> str:
    """Return the sentences and tables; CPU is that since ``before``, or of the whole life."""
    cpu = "CPU (LIFE)" if before is None else "CPU (NOW)"
    head = ("PROGRAM", "STACK", "STATE", "PID", "UP", cpu, "MEMORY", *COUNTED, "DESCRIPTION")
    cells = [cells for program in now.programs for cells in _table_cells(program, now, before)]
    lines = [*sentences(now), "", *lay_out(head, cells)]
    handed_over = [status_rows.handover_row(each) for each in handover_counts.read(now.run_dir)]
    threads = status_rows.handler_lines(status_rows.handler_rows(read_slots(now.run_dir)))
    blocked = status_rows.block_lines(_blocks(now.run_dir))
    return "\n".join([*lines, *threads, *blocked, *status_rows.handover_lines(handed_over)])


def _blocks(run_dir: Path) -> Iterable[Block]:
    # While a reload commits, a route has the paths of two generations.
    return {each.target: each for each in blocked_routes.read(run_dir)}.values()


def _table_cells(
    program: ProgramStatus, now: StackStatus, before: StackStatus | None
) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a program, and of each kind of a shared master's workers."""
    whole = _row(program, now, before)
    if not whole.kinds:
        yield _cells(whole)
        return
    # The figures of a column add up: here the master is without its workers.
    own = now.usage_of([program.status.pid])
    yield _cells(
        replace(
            whole,
            cpu_percent=cpu_percent([program.status.pid], program.status.since_s, now, before),
            memory_pss_mb=rounded(own.pss_mb) if own else None,
            memory_rss_mb=rounded(own.rss_mb) if own else None,
            connections=None,
        )
    )
    for kind in whole.kinds:
        yield _kind_cells(kind)


def _row(program: ProgramStatus, now: StackStatus, before: StackStatus | None = None) -> ProgramRow:
    status, process = program.status, program.process
    usage = now.usage_of(program.pids)
    generation = generation_of(status.name)
    drains = program.role is ProgramRole.DRAINING
    return ProgramRow(
        program=status.name,
        generation=generation or None,
        duty=program.role.value,
        stack="" if is_master(status.name) else "".join(socket_names(status.name)),
        state=program.state,
        pid=status.pid or None,
        uptime_s=status.since_s if status.pid else None,
        cpu_percent=cpu_percent(list(program.pids), status.since_s, now, before),
        memory_pss_mb=rounded(usage.pss_mb) if usage else None,
        memory_rss_mb=rounded(usage.rss_mb) if usage else None,
        restarts=now.restarts.get(status.name, 0),
        connections=program.connections,
        left_s=rounded(_drain_left_s(now, generation)) if drains else None,
        what=process.description if process else "",
        # The detail of its last exit is of no interest once it runs again.
        detail="" if status.pid else status.detail,
        kinds=tuple(status_rows.kind_row(kind, now, before) for kind in program.kinds),
    )


def _cells(each: ProgramRow) -> tuple[str, ...]:
    is_usual = each.duty in (ProgramRole.SERVING, ProgramRole.DRAINING)
    return (
        each.program,
        each.stack,
        each.state if is_usual else f"{each.state}, {each.duty}",
        _shown(each.pid),
        "" if each.uptime_s is None else console.duration(each.uptime_s),
        _shown(each.cpu_percent, " %"),
        _shown(each.memory_pss_mb, " MB") or _shown(each.memory_rss_mb, " MB RSS"),
        _shown(each.restarts),
        _shown(each.connections),
        each.detail or each.what,
    )


def _kind_cells(each: KindRow) -> tuple[str, ...]:
    return (
        f"  {each.name}",
        each.stack,
        each.state,
        "",
        "",
        _shown(each.cpu_percent, " %"),
        _shown(each.memory_pss_mb, " MB") or _shown(each.memory_rss_mb, " MB RSS"),
        _shown(each.restarts),
        _shown(each.connections),
        each.description,
    )


def _generations(now: StackStatus, role: ProgramRole) -> list[int]:
    return sorted({generation_of(each.status.name) for each in now.in_role(role)})


def _drain_sentence(now: StackStatus, generation: int) -> str:
    programs = [
        each
        for each in now.in_role(ProgramRole.DRAINING)
        if generation_of(each.status.name) == generation
    ]
    # A program without a number, such as the embedded Valkey, may be unused after a reload.
    name = f"Generation {generation}" if generation else programs[0].status.name
    left_s = _drain_left_s(now, generation)
    within = "" if left_s is None else f" for at most {left_s:.0f} s"
    counts = [count for each in programs for count in _counts(each) if count[1]]
    open_ones = ", ".join(f"{socket} has {count} open" for socket, count in counts)
    return f"{name} drains{within}: {open_ones or 'no connection is open'}."


def _drain_left_s(now: StackStatus, generation: int) -> float | None:
    window = drain_window.read(now.run_dir, generation)
    return window.remaining_s() if window is not None else None


def _counts(program: ProgramStatus) -> list[tuple[str, int | None]]:
    """Return the connections of each socket of a program."""
    if program.kinds:
        return [(kind.name, kind.connections) for kind in program.kinds]
    return [(program.status.name, program.connections)]


def _shown(number: float | None, unit: str = "") -> str:
    return "" if number is None else f"{number}{unit}"
