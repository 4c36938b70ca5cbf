"""`tandem status` prints a sentence for each generation, and its times in two units."""

from pathlib import Path

import pytest

from builders import plan
from django_tandem.cli.console import duration
from django_tandem.cli.status import sentences
from django_tandem.inprocess import draining
from django_tandem.model import Status
from django_tandem.render.state import state_of
from django_tandem.runtime.programs import Duty, Program
from django_tandem.runtime.snapshot import Snapshot


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


def _program(name: str, duty: Duty, connections: int | None = None) -> Program:
    return Program(
        status=Status(name=name, state="RUNNING", pid=1, since_s=1),
        process=None,
        duty=duty,
        state="",
        connections=connections,
    )


def _snapshot(run_dir: Path, *programs: Program, reload_pid: int | None = None) -> Snapshot:
    return Snapshot(
        run_dir=run_dir,
        state=state_of(plan()),
        pid=7,
        at_s=0,
        age_s=61,
        reload_pid=reload_pid,
        programs=programs,
        usages={},
        restarts={},
    )


SERVES = "Generation 1 has served http://127.0.0.1:8000/ for 1 min 1 s (supervisord has pid 7)."


def test_the_live_generation_comes_first_then_each_draining_one(tmp_path) -> None:
    """A draining program without a generation has a sentence of its own."""
    draining.announce(tmp_path, 3, 30)
    programs = (
        _program("asgi-3", Duty.DRAINING, 4),
        _program("wsgi-3", Duty.DRAINING, 0),
        _program("channels-2", Duty.DRAINING),
        _program("valkey", Duty.DRAINING, 2),
    )

    assert list(sentences(_snapshot(tmp_path, *programs))) == [
        SERVES,
        "valkey drains: valkey holds 2.",
        "Generation 2 drains: it holds no connection.",
        "Generation 3 drains for 30 s at most: asgi-3 holds 4.",
    ]


def test_a_reload_in_progress_names_the_programs_it_started(tmp_path) -> None:
    """Programs of a killed reload are reported when no other reload is in progress."""
    at_work = _snapshot(tmp_path, _program("wsgi-2", Duty.CANDIDATE), reload_pid=9)
    begun = _snapshot(tmp_path, reload_pid=9)
    killed = _snapshot(tmp_path, _program("wsgi-2", Duty.LEFT_BEHIND))

    assert list(sentences(at_work))[1:] == [
        "A reload is in progress, with pid 9: it has started wsgi-2."
    ]
    assert list(sentences(begun))[1:] == ["A reload is in progress, with pid 9."]
    assert list(sentences(killed))[1:] == [
        "Generation 2 was abandoned by a reload that was killed; it is stopping."
    ]
