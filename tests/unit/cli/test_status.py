"""`tandem status` prints a sentence for each generation, and its times in two units."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from builders import plan, verdict
from django_tandem.cli import console, status_rows
from django_tandem.cli.console import duration
from django_tandem.cli.status import EXPENDABLE, _text, facts, sentences
from django_tandem.cli.status_rows import HandlerRow
from django_tandem.inprocess import drain_window
from django_tandem.model import Stack, Status
from django_tandem.model.scoreboard import OURS
from django_tandem.model.state import planned_state
from django_tandem.runtime.kind_status import KindStatus, ProgramRole
from django_tandem.runtime.status import ProgramStatus, StackStatus
from django_tandem.runtime.usage import Usage
from django_tandem.runtime.workers import Worker


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (86399, "23 h 59 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_a_duration_is_printed_in_its_two_largest_units(seconds, expected) -> None:
    """Smaller units are left out."""
    assert duration(seconds) == expected


def _program(name: str, role: ProgramRole, connections: int | None = None) -> ProgramStatus:
    return ProgramStatus(
        status=Status(name=name, state="RUNNING", pid=1, since_s=1),
        process=None,
        role=role,
        state="",
        connections=connections,
    )


def _stack(
    run_dir: Path,
    *programs: ProgramStatus,
    reload_pid: int | None = None,
    is_here: bool = True,
) -> StackStatus:
    return StackStatus(
        run_dir=run_dir,
        state=planned_state(plan()),
        pid=7,
        is_here=is_here,
        at_s=0,
        age_s=61,
        reload_pid=reload_pid,
        programs=programs,
        usages={},
        restarts={},
    )


SERVES = "Generation 1 has served http://127.0.0.1:8000/ for 1 min 1 s (supervisord has pid 7)."


def test_the_live_generation_comes_first_then_each_draining_one(tmp_path) -> None:
    """A draining program without a generation has its own sentence."""
    drain_window.write(tmp_path, 3, 30)
    programs = (
        _program("asgi-3", ProgramRole.DRAINING, 4),
        _program("wsgi-3", ProgramRole.DRAINING, 0),
        _program("channels-2", ProgramRole.DRAINING),
        _program("valkey", ProgramRole.DRAINING, 2),
    )

    assert list(sentences(_stack(tmp_path, *programs))) == [
        SERVES,
        "valkey drains: valkey has 2 open.",
        "Generation 2 drains: no connection is open.",
        "Generation 3 drains for at most 30 s: asgi-3 has 4 open.",
    ]


def test_a_reload_in_progress_names_the_programs_it_started(tmp_path) -> None:
    """Programs of a killed reload are reported when no other reload is in progress."""
    at_work = _stack(tmp_path, _program("wsgi-2", ProgramRole.CANDIDATE), reload_pid=9)
    begun = _stack(tmp_path, reload_pid=9)
    killed = _stack(tmp_path, _program("wsgi-2", ProgramRole.ABANDONED))

    assert list(sentences(at_work))[1:] == [
        "A reload is in progress, with pid 9: it has started wsgi-2."
    ]
    assert list(sentences(begun))[1:] == ["A reload is in progress, with pid 9."]
    assert list(sentences(killed))[1:] == [
        "Generation 2 was abandoned by a reload that was killed; it is stopping."
    ]


def test_a_pid_of_another_namespace_is_named_as_such(tmp_path) -> None:
    """It is a stranger's here: the stack runs in a container that shares the directory."""
    assert list(sentences(_stack(tmp_path, is_here=False))) == [
        SERVES.replace("pid 7", "pid 7 in another PID namespace")
    ]


@pytest.mark.parametrize("width", [60, 80])
def test_the_live_view_fits_a_narrow_terminal(width, tmp_path) -> None:
    """The state, the CPU time and the memory of each program stay."""
    screen = Console(width=width, force_terminal=True)
    programs = plan(verdict("/a/", Stack.ASGI)).processes
    now = _stack(tmp_path, *(_program(each.program, ProgramRole.SERVING, 1) for each in programs))
    lay_out = partial(console.narrowed_lines, width=screen.width, expendable=EXPENDABLE)
    _, _, head, *rows = _text(now, None, lay_out).splitlines()

    assert head.split("  ")[0] == "PROGRAM"
    assert {"STATE", "CPU (LIFE)", "MEMORY"} <= {*re.split(" {2,}", head)}
    assert max(map(len, (head, *rows))) <= width


@pytest.mark.parametrize(
    ("size", "overflow", "queued", "counts"),
    [
        (1, 1, 1, "1 thread (0 idle), 1 overflow thread, 1 request queued"),
        (8, 0, 2, "8 threads (0 idle), 0 overflow threads, 2 requests queued"),
    ],
)
def test_the_threads_of_a_handler_are_counted_in_singular_and_plural(
    size, overflow, queued, counts
) -> None:
    """One sentence for each generation."""
    status = HandlerRow(
        pid=1,
        generation=1,
        handler=OURS,
        size=size,
        idle=0,
        queued=queued,
        overflow=overflow,
        rejected=0,
    )

    assert status_rows.handler_lines([status])[1] == (
        f"The ASGI handler of generation 1 is django-tandem's: {counts} and 0 rejected."
    )


def _kind(name: str, *pids: int, **changes) -> KindStatus:
    kind = name.partition("-")[0]
    return KindStatus(
        **{
            "name": name,
            "kind": kind,
            "description": f"for {kind}",
            "state": "ready",
            "workers": tuple(Worker(pid=pid, uptime_s=10) for pid in pids),
            "restarts": 0,
            "connections": None,
            **changes,
        }
    )


def _mb(number: float) -> Usage:
    return Usage(cpu_s=1, rss_mb=2 * number, pss_mb=number)


def test_each_kind_of_a_master_has_a_row_and_the_columns_add_up(tmp_path) -> None:
    """In the table, the master is without its workers; in JSON it is the whole program."""
    kinds = (_kind("wsgi-1", 2, 3, connections=4), _kind("channels-1", 4, restarts=2))
    program = replace(
        _program("master-1", ProgramRole.SERVING, 4), state="ready", connections=4, kinds=kinds
    )
    usages = {1: _mb(10), 2: _mb(20), 3: _mb(30), 4: _mb(40)}
    now = replace(_stack(tmp_path, program), usages=usages)

    (row,) = facts(now)["processes"]
    assert (row.memory_pss_mb, row.memory_rss_mb, row.connections) == (100, 200, 4)
    assert [(each.name, each.stack, each.memory_pss_mb, each.restarts) for each in row.kinds] == [
        ("wsgi-1", "wsgi", 50, 0),
        ("channels-1", "", 40, 2),
    ]
    assert [(each.pid, each.uptime_s, each.cpu_percent) for each in row.kinds[0].workers] == [
        (2, 10, 10.0),
        (3, 10, 10.0),
    ]
    lines = [line.split() for line in _text(now).splitlines()[3:]]
    assert lines == [
        ["master-1", "ready", "1", "1", "s", "100.0", "%", "10", "MB", "0"],
        ["wsgi-1", "wsgi", "ready", "20.0", "%", "50", "MB", "0", "4", "for", "wsgi"],
        ["channels-1", "ready", "10.0", "%", "40", "MB", "2", "for", "channels"],
    ]


@pytest.mark.parametrize(
    ("planned", "state", "shown"),
    [
        (3, "ready", "for wsgi: 1 of 3 ready"),
        (1, "ready", "for wsgi"),
        (3, "draining", "for wsgi"),
        (None, "ready", "for wsgi"),
    ],
)
def test_a_kind_that_lacks_workers_shows_how_many_are_ready(
    planned, state, shown, tmp_path
) -> None:
    """Those that boot do not count; neither do those of a generation that drains."""
    workers = (Worker(pid=2, uptime_s=9), Worker(pid=3, uptime_s=1, is_ready=False))
    kind = _kind("wsgi-1", workers=workers, planned_workers=planned, state=state)
    now = _stack(tmp_path, replace(_program("master-1", ProgramRole.SERVING, 4), kinds=(kind,)))

    (row,) = facts(now)["processes"][0].kinds
    assert (row.planned_workers, row.ready_workers) == (planned, 1)
    assert _text(now).splitlines()[-1].endswith(f"  {shown}")


def test_workers_that_are_not_known_are_not_missing(tmp_path) -> None:
    """As in another PID namespace."""
    kind = _kind("wsgi-1", planned_workers=2)
    now = _stack(tmp_path, replace(_program("master-1", ProgramRole.SERVING, 4), kinds=(kind,)))

    assert _text(now).splitlines()[-1].endswith("  for wsgi")


def test_a_draining_master_names_the_socket_that_has_connections(tmp_path) -> None:
    """Not the program, whose connections are those of both."""
    kinds = (_kind("wsgi-3", connections=0), _kind("asgi-3", connections=4))
    program = replace(_program("master-3", ProgramRole.DRAINING, 4), kinds=kinds)

    assert list(sentences(_stack(tmp_path, program)))[1:] == [
        "Generation 3 drains: asgi-3 has 4 open."
    ]


def test_a_master_without_workers_serves_no_one_stack(tmp_path) -> None:
    """They end before it does."""
    (row,) = facts(_stack(tmp_path, _program("master-3", ProgramRole.DRAINING)))["processes"]

    assert (row.stack, row.kinds) == ("", ())
