"""A shift whose run directory has no room left: its split stays as it was, or ends for good."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import plan, shift, verdict
from django_tandem import output
from django_tandem.model.shifts import ShiftState, route_id
from django_tandem.render import supervisor
from django_tandem.runtime import shifts
from django_tandem.shift.program import Watcher
from harness.small_disks import fill, small_disk
from unit.shift.test_samples import line

ID = route_id("/reports/")
BEGAN_S = 900.0
# A share of 50 % takes more than a hundred, and the shift's file a few.
INODES, OF_THE_FILE = 200, 10


@pytest.fixture
def run_dir(tmp_path) -> Iterator[Path]:
    """A run directory with a shift at 5 %."""
    with small_disk(tmp_path / "disk", 256, inodes=INODES) as disk:
        made = plan(verdict("/reports/"), run_dir=str(disk))
        output.write([each for each in supervisor.render(made) if each.name == "state.json"], disk)
        (disk / "shift.tsv").touch()
        with shifts.changing(disk) as kept:
            kept[:] = [shift(step_began_s=BEGAN_S, every_s=60)]
        yield disk


def write_lines(run_dir: Path, count: int, **changes: str) -> None:
    """Append what the edge writes: in all less than a page, which would be free once it is read."""
    with (run_dir / "shift.tsv").open("a") as file:
        for number in range(count):
            file.write(f"{line(route=ID, client=str(number), shape='', **changes)}\n")


def take_inodes(run_dir: Path) -> list[Path]:
    """Take all that the disk has but those of the shift's file and of a few directories."""
    taken = []
    with contextlib.suppress(OSError):
        for number in itertools.count():
            path = run_dir / f"taken-{number}"
            path.touch()
            taken.append(path)
    for _ in range(OF_THE_FILE):
        taken.pop().unlink()
    return taken


def split(run_dir: Path) -> set[int]:
    return {each[3] for each in shifts.read_split(run_dir)}


def test_a_route_that_is_rolled_back_on_a_full_disk_stays_so(run_dir) -> None:
    """Also once there is room again: the file has its end, and the evidence."""
    watcher = Watcher(run_dir, lambda: BEGAN_S + 1)
    watcher.watch_once()
    write_lines(run_dir, 20, side="home")
    write_lines(run_dir, 4, side="failed", statuses="500 : 200")
    filler = fill(run_dir)
    watcher.watch_once()
    (found,) = shifts.read(run_dir)
    on_full = found.state, split(run_dir)
    filler.unlink()
    Watcher(run_dir, lambda: BEGAN_S + 2).watch_once()

    assert on_full == (ShiftState.ROLLED_BACK, set())
    assert found.reason == "4 of 4 requests failed on ASGI, with 500, and 0 of 20 on WSGI."
    assert shifts.read(run_dir) == (found,)
    assert split(run_dir) == set()


def test_a_step_that_a_full_disk_has_no_room_for_is_not_taken(run_dir) -> None:
    """The file has the share that the edge follows, and the step is taken once there is room."""
    with shifts.changing(run_dir) as kept:
        kept[:] = [shift(step_began_s=BEGAN_S, every_s=60, least_samples=1)]
    # What the time alone changes is considered once a second.
    times = itertools.count(BEGAN_S + 60, 2)
    watcher = Watcher(run_dir, lambda: next(times))
    watcher.watch_once()
    write_lines(run_dir, 2, side="home")
    write_lines(run_dir, 2)
    taken = take_inodes(run_dir)
    with pytest.raises(OSError, match="No space left"):
        watcher.watch_once()
    on_full = {each.percent for each in shifts.read(run_dir)}, split(run_dir)
    for each in taken:
        each.unlink()
    watcher.watch_once()

    assert on_full == ({5}, {5})
    assert ({each.percent for each in shifts.read(run_dir)}, split(run_dir)) == ({50}, {50})
