"""The shifts of a run directory, and the split that the edge follows."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from builders import plan, shift, verdict, websocket
from django_tandem.errors import RefusedError
from django_tandem.model import Stack
from django_tandem.model.shifts import ShiftState, route_id
from django_tandem.runtime import lock, shifts
from django_tandem.runtime.shifts import read_split
from django_tandem.shift.program import Watcher

ID = route_id("/reports/")


def write(run_dir: Path, *given) -> None:
    with shifts.changing(run_dir) as kept:
        kept[:] = given


def test_a_split_has_a_file_for_each_percent(tmp_path) -> None:
    """By the stack, the route and the method, as the edge looks for it."""
    write(tmp_path, shift())

    assert read_split(tmp_path) == {("asgi", ID, "GET", 5), ("asgi", ID, "HEAD", 5)}
    directory = tmp_path / "diverted" / "shifts" / "asgi" / ID / "GET"
    assert sorted(each.name for each in directory.iterdir()) == ["00", "01", "02", "03", "04"]


def test_what_was_written_is_read(tmp_path) -> None:
    """All of it."""
    given = shift(step=1, exceptions=("OSError",), state=ShiftState.PAUSED)
    write(tmp_path, given)

    assert shifts.read(tmp_path) == (given,)
    assert (tmp_path / "shifts.json").stat().st_mode & 0o777 == 0o600


def test_a_larger_share_replaces_the_link(tmp_path) -> None:
    """By one rename, and what was behind it is removed."""
    write(tmp_path, shift())
    before = (tmp_path / shifts.LINK).readlink()
    write(tmp_path, shift(step=1))

    assert {each[3] for each in read_split(tmp_path)} == {50}
    assert (tmp_path / shifts.LINK).readlink() != before
    assert not (tmp_path / before.name).exists()


@pytest.mark.parametrize("state", [ShiftState.ABORTED, ShiftState.ROLLED_BACK])
def test_a_shift_that_has_ended_splits_nothing(tmp_path, state) -> None:
    """Without any, there is no directory that the edge would look into."""
    write(tmp_path, shift())
    write(tmp_path, shift(state=state))

    assert read_split(tmp_path) == frozenset()
    assert {each.name for each in tmp_path.iterdir()} == {"shifts.json", "shifts.lock"}


def test_the_directory_that_a_killed_process_left_empty_is_removed(tmp_path) -> None:
    """The edge would look into it at each request."""
    write(tmp_path, shift())
    (tmp_path / shifts.LINK).unlink()
    write(tmp_path, shift(state=ShiftState.ROLLED_BACK))

    assert not (tmp_path / shifts.LINK.parent).exists()


def test_one_route_that_is_taken_back_leaves_the_others(tmp_path) -> None:
    """Their directories are not even replaced."""
    other = shift(route="/other/")
    write(tmp_path, shift(), other)
    before = (tmp_path / shifts.LINK).readlink()
    write(tmp_path, shift(state=ShiftState.ROLLED_BACK), other)

    assert {each[1] for each in read_split(tmp_path)} == {route_id("/other/")}
    assert (tmp_path / shifts.LINK).readlink() == before


def test_what_a_killed_process_left_undone_is_done_by_the_next_change(tmp_path) -> None:
    """It may have written the one file, and not the other."""
    write(tmp_path, shift())
    (tmp_path / shifts.LINK).unlink()
    with shifts.changing(tmp_path):
        pass

    assert {each[3] for each in read_split(tmp_path)} == {5}


def test_a_command_leaves_the_split_to_the_program(tmp_path) -> None:
    """What fails before that runs, nobody would see."""
    with shifts.changing(tmp_path, is_watcher=False) as kept:
        kept.append(shift())
    before = read_split(tmp_path)
    Watcher(tmp_path).watch_once()
    shifts.wait_until_split(tmp_path, shift())

    assert before == frozenset()
    assert {each[3] for each in read_split(tmp_path)} == {5}


def test_a_shift_whose_program_does_not_come_up_is_aborted(tmp_path, monkeypatch) -> None:
    """The command says so; another shift stays, whose own command waits for it."""
    monkeypatch.setattr(shifts, "WATCHED_S", 0)
    with shifts.changing(tmp_path, is_watcher=False) as kept:
        kept[:] = [shift(), shift(route="/other/")]
    with pytest.raises(RefusedError) as raised:
        shifts.wait_until_split(tmp_path, shift())

    assert str(raised.value) == (
        "The program that compares both sides failed to start, so /reports/ is not shifted.\n"
        "  `tandem logs shift` shows why."
    )
    states = [each.state for each in shifts.read(tmp_path)]
    assert states == [ShiftState.ABORTED, ShiftState.RUNNING]


def test_a_shift_that_could_not_be_started_leaves_what_it_was_to_replace(tmp_path) -> None:
    """Or the stack would start it later, though the command has failed."""
    other = shift(route="/other/")
    with shifts.changing(tmp_path, is_watcher=False) as kept:
        kept[:] = [other, shift(steps=(50,))]
    shifts.withdraw(tmp_path, shift(steps=(50,)), [shift()])

    assert shifts.read(tmp_path) == (other, shift())


@pytest.mark.parametrize("damaged", ["", "[{}]", "{", '[{"to": 1}]'])
def test_a_damaged_file_has_no_shifts_and_the_split_goes_to_zero(tmp_path, damaged) -> None:
    """Nobody knows what it was."""
    write(tmp_path, shift())
    (tmp_path / "shifts.json").write_text(damaged)
    with shifts.changing(tmp_path):
        pass

    assert shifts.read(tmp_path) == ()
    assert read_split(tmp_path) == frozenset()


def test_a_start_ends_a_split_whose_file_is_gone(tmp_path) -> None:
    """Nobody would see that its requests are on trial."""
    write(tmp_path, shift(step=2, state=ShiftState.DONE))
    (tmp_path / "shifts.json").unlink()
    notes = shifts.renew(made(tmp_path, verdict("/reports/")))

    assert (notes, read_split(tmp_path)) == ([], frozenset())


def test_on_a_full_disk_a_route_that_is_rolled_back_is_on_trial_no_more(
    tmp_path, monkeypatch
) -> None:
    """The split needs no space to end, and does not begin again as long as nothing is written."""
    other = shift(route="/other/")
    write(tmp_path, shift(), other)

    def full(*_given) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shifts, "_write", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, shift(state=ShiftState.ROLLED_BACK), other)
    after = read_split(tmp_path)
    with pytest.raises(OSError, match="No space"), shifts.changing(tmp_path):
        pass

    assert {each[1] for each in after} == {route_id("/other/")}
    assert read_split(tmp_path) == after
    assert shifts.read(tmp_path)[0].state is ShiftState.RUNNING


def test_on_a_full_disk_the_file_is_written_over(tmp_path, monkeypatch) -> None:
    """It has room for the end of each shift: what was rolled back stays so once there is room."""
    write(tmp_path, shift())
    inode = (tmp_path / "shifts.json").stat().st_ino

    def full(*_given) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(shifts, "replace_file", full)
        ended = shift(state=ShiftState.ROLLED_BACK, reason="x" * 1000, requests=("a" * 32,) * 5)
        write(tmp_path, ended)
    with shifts.changing(tmp_path):
        pass

    assert shifts.read(tmp_path) == (ended,)
    assert (tmp_path / "shifts.json").stat().st_ino == inode
    assert read_split(tmp_path) == frozenset()


def test_a_share_that_the_disk_has_no_room_for_is_not_in_the_file(tmp_path, monkeypatch) -> None:
    """Both stay as they were."""
    write(tmp_path, shift())
    before = read_split(tmp_path)

    def full(*_given) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shifts, "_make_tree", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, shift(step=1))

    assert shifts.read(tmp_path) == (shift(),)
    assert read_split(tmp_path) == before


def test_a_first_share_that_is_not_in_the_file_leaves_no_directory(tmp_path, monkeypatch) -> None:
    """The edge would look into it for each request."""

    def full(*_given) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shifts, "_write", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, shift())

    assert not (tmp_path / "diverted").exists()


def test_fields_of_another_version_are_left_out(tmp_path) -> None:
    """It may have written more of them."""
    write(tmp_path, shift())
    kept = json.loads((tmp_path / "shifts.json").read_text())
    (tmp_path / "shifts.json").write_text(json.dumps([{**kept[0], "later": 1}]))

    assert shifts.read(tmp_path) == (shift(),)


def test_one_process_at_a_time_changes_them(tmp_path, monkeypatch) -> None:
    """The other one is named."""
    monkeypatch.setattr(lock, "PATIENCE_S", 0)
    handle = lock.try_to_take(tmp_path, lock.SHIFTS)
    assert handle is not None
    with pytest.raises(RefusedError) as raised, shifts.changing(tmp_path):
        pass
    lock.release(handle)

    assert raised.value.message == (
        f"Another process, with pid {os.getpid()}, is changing the shifts of {tmp_path}."
    )


def test_an_exception_changes_nothing(tmp_path) -> None:
    """As where a route can't be shifted twice."""

    def fail() -> None:
        with shifts.changing(tmp_path) as kept:
            kept.append(shift())
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert shifts.read(tmp_path) == ()


def made(tmp_path, *verdicts, **more):
    return plan(*verdicts, websocket("/ws/"), run_dir=str(tmp_path), **more)


def test_a_shift_outlives_a_reload_and_a_start(tmp_path) -> None:
    """With a note, as the route is not where the plan has it."""
    write(tmp_path, shift())
    notes = shifts.renew(made(tmp_path, verdict("/reports/")))

    assert notes == ['"/reports/" is shifted to ASGI for 5 % of its clients.']
    assert shifts.read(tmp_path) == (shift(),)


def test_a_shift_is_over_once_the_project_has_the_route_there(tmp_path) -> None:
    """By a pin, a mark, or a view that is async now."""
    write(tmp_path, shift(state=ShiftState.DONE))
    notes = shifts.renew(made(tmp_path, verdict("/reports/", Stack.ASGI)))

    assert notes == ['The project has "/reports/" on ASGI now: its shift is over.']
    assert shifts.read(tmp_path) == ()
    assert read_split(tmp_path) == frozenset()


def test_the_shift_of_a_route_that_is_gone_is_aborted(tmp_path) -> None:
    """Its file keeps the reason."""
    write(tmp_path, shift())
    notes = shifts.renew(made(tmp_path, verdict("/other/")))

    reason = "The project no longer has this route."
    assert notes == [f'The shift of "/reports/" has ended: {reason}']
    (found,) = shifts.read(tmp_path)
    assert found == shift().end(ShiftState.ABORTED, reason, found.ended_s)
    assert found.ended_s > 900


def test_without_a_monitor_nothing_is_shifted(tmp_path) -> None:
    """Its sides could not be compared."""
    write(tmp_path, shift())
    notes = shifts.renew(made(tmp_path, verdict("/reports/"), tandem={"MONITOR": False}))

    assert notes == [
        'The shift of "/reports/" has ended: The stack has no monitor, or one stack alone.'
    ]


def test_without_shifts_nothing_is_written(tmp_path) -> None:
    """Not even the lock."""
    assert shifts.renew(made(tmp_path, verdict("/reports/"))) == []
    assert list(tmp_path.iterdir()) == []


def test_the_percent_of_a_shift_is_that_of_its_step() -> None:
    """Also once it is done, until the project has the pin."""
    done = shift(step=2, state=ShiftState.DONE)

    assert (shift().percent, shift(step=1).percent, done.percent) == (5, 50, 100)
    assert replace(done, state=ShiftState.ABORTED).percent == 0
