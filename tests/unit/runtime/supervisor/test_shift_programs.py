"""Which shifts the plugin inside supervisord starts the program for."""

from typing import Any

import pytest

from builders import shift
from django_tandem.model.shifts import ShiftState
from django_tandem.runtime import shifts
from django_tandem.runtime.supervisor.shift_programs import ShiftPrograms


class Programs(ShiftPrograms):
    """The programs of a run directory, of which none is started."""

    def __init__(self, run_dir) -> None:
        nothing: Any = None
        super().__init__(run_dir, nothing)
        self.started = 0

    def watch(self) -> bool:
        self.started += 1
        return True


@pytest.fixture
def programs(tmp_path) -> Programs:
    return Programs(tmp_path)


def write(run_dir, *given) -> None:
    with shifts.changing(run_dir) as kept:
        kept[:] = given


@pytest.mark.parametrize("state", [ShiftState.RUNNING, ShiftState.PAUSED, ShiftState.DONE])
def test_the_program_runs_while_requests_are_split(programs, tmp_path, state) -> None:
    """One that is done, too: the edge writes a line for each request, which nobody else frees."""
    write(tmp_path, shift(step=2, state=state))
    programs.tick()

    assert programs.started == 1


@pytest.mark.parametrize("state", [ShiftState.ABORTED, ShiftState.ROLLED_BACK])
def test_a_shift_that_has_ended_needs_no_program(programs, tmp_path, state) -> None:
    """It would be started every five seconds."""
    write(tmp_path, shift(state=state))
    programs.tick()

    assert programs.started == 0


def test_a_split_that_no_file_explains_needs_the_program(programs, tmp_path) -> None:
    """It ends the split."""
    write(tmp_path, shift(step=2, state=ShiftState.DONE))
    (tmp_path / "shifts.json").write_text("{")
    programs.tick()

    assert programs.started == 1
