"""The loop of the shift's program: from lines of the edge to the split."""

import errno
import json

import pytest

from builders import plan, shift, verdict
from django_tandem import output
from django_tandem.model.shifts import ShiftState, route_id
from django_tandem.render import supervisor
from django_tandem.runtime import shifts
from django_tandem.shift import program
from django_tandem.shift.program import Watcher
from unit.shift.test_samples import line

ID = route_id("/reports/")


@pytest.fixture
def edge(tmp_path):
    """A run directory whose edge writes lines, and a clock to move."""
    (tmp_path / "shift.tsv").touch()
    made = plan(verdict("/reports/"), run_dir=str(tmp_path))
    output.write([each for each in supervisor.render(made) if each.name == "state.json"], tmp_path)
    return Edge(tmp_path)


class Edge:
    def __init__(self, run_dir) -> None:
        self.run_dir = run_dir
        self.now = 900.0
        self.watcher = Watcher(run_dir, lambda: self.now)
        self._client = 0

    def shift(self, **changes) -> None:
        with shifts.changing(self.run_dir) as kept:
            kept[:] = [shift(**changes)]
        self.watcher.watch_once()

    def write(self, count, *, id_=ID, **changes) -> None:
        with (self.run_dir / "shift.tsv").open("a") as file:
            for _ in range(count):
                self._client += 1
                file.write(f"{line(route=id_, client=str(self._client), **changes)}\n")

    def watch(self, *, at: float = 0.0):
        self.now = at or self.now
        self.watcher.watch_once()
        return shifts.read(self.run_dir)[0]


def test_a_step_goes_on_to_the_next(edge) -> None:
    """With enough requests of both sides, and after its time; the next one begins anew."""
    edge.shift(every_s=60)
    edge.write(50, side="home")
    edge.write(50)
    early, late = edge.watch(at=959), edge.watch(at=960)

    assert (early.step, early.reason) == (0, "Both sides are alike so far.")
    assert (early.on_trial.requests, early.at_home.requests) == (50, 50)
    assert (late.step, late.percent, late.step_began_s) == (1, 50, 960)
    assert {each[3] for each in shifts.read_split(edge.run_dir)} == {50}
    assert edge.watch(at=1030).reason == "ASGI has had 0 of 50 requests."


def test_a_route_that_fails_is_taken_back_at_once(edge, capsys) -> None:
    """The evidence stays, and a line is logged."""
    edge.shift()
    edge.write(30, side="home")
    edge.write(4, side="failed", statuses="500 : 200", exception_on_trial="KeyError")
    found = edge.watch()

    reason = "4 of 4 requests failed on ASGI, with 500 (KeyError), and 0 of 30 on WSGI."
    assert (found.state, found.reason) == (ShiftState.ROLLED_BACK, reason)
    assert (found.exceptions, found.requests) == (("KeyError",), ("abc",) * 4)
    assert found.ended_s == edge.now
    assert shifts.read_split(edge.run_dir) == frozenset()
    assert capsys.readouterr().err == (
        f"/reports/ to ASGI: rolled back. {reason} Requests: abc, abc, abc, abc.\n"
    )
    assert not edge.watcher.watch_once()


def test_a_full_disk_does_not_keep_a_route_on_trial(edge, monkeypatch) -> None:
    """Nor does another route's next step, which needs room, or the line in the log."""
    other = shift(route="/other/", every_s=60)
    with shifts.changing(edge.run_dir) as kept:
        kept[:] = [shift(), other]
    edge.watcher.watch_once()

    def full(*_given) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in ("replace_file", "_make_tree"):
        monkeypatch.setattr(shifts, name, full)
    monkeypatch.setattr(program, "report", full)
    edge.write(30, side="home")
    edge.write(4, side="failed", statuses="500 : 200")
    for side in ("home", "trial"):
        edge.write(50, side=side, id_=route_id("/other/"))
    found = edge.watch(at=970)

    assert found.state is ShiftState.ROLLED_BACK
    assert shifts.read_split(edge.run_dir) == {
        ("asgi", route_id("/other/"), method, 5) for method in ("GET", "HEAD")
    }
    assert shifts.read(edge.run_dir)[1].step == other.step


def test_a_paused_shift_stays_and_is_still_taken_back(edge) -> None:
    """Its clients are on trial as before."""
    edge.shift(every_s=60, state=ShiftState.PAUSED)
    edge.write(50, side="home")
    edge.write(50)
    later = edge.watch(at=2000)
    edge.write(10, status="500", statuses="500")

    assert (later.state, later.percent) == (ShiftState.PAUSED, 5)
    assert edge.watch().state is ShiftState.ROLLED_BACK


def test_all_steps_end_in_done(edge) -> None:
    """The last one is compared with the requests at home of the step before."""
    edge.shift(steps=(50, 100), every_s=60)
    edge.write(50, side="home")
    edge.write(50)
    last = edge.watch(at=960)
    edge.write(50)
    edge.watch(at=961)
    done = edge.watch(at=1020)

    assert (last.percent, last.state) == (100, ShiftState.RUNNING)
    assert (done.percent, done.state) == (100, ShiftState.DONE)
    assert done.reason == "ASGI has served all of its requests for 60 s."


def test_a_single_share_stays_there(edge) -> None:
    """No step follows, and both sides are compared on."""
    edge.shift(steps=(25,), every_s=60)
    edge.write(50, side="home")
    edge.write(50)
    found = edge.watch(at=3000)

    assert (found.percent, found.state) == (25, ShiftState.RUNNING)
    assert found.reason == "Both sides are alike, and 25 % is its last step."


def test_a_reload_begins_the_step_anew(edge) -> None:
    """Its samples are of other code."""
    edge.shift(every_s=60)
    edge.write(50, side="home")
    edge.write(50)
    state = json.loads((edge.run_dir / "state.json").read_text())
    (edge.run_dir / "state.json").write_text(json.dumps({**state, "generation": 2}))
    found = edge.watch(at=1000)

    assert (found.step, found.step_began_s, found.generation) == (0, 1000, 2)
    assert found.step_note == "A reload has restarted this step, as it may have changed the code."
    assert edge.watch(at=1100).on_trial.requests == 0


def test_another_program_goes_on_where_a_killed_one_was(edge) -> None:
    """It measures the step anew, and the split stays as it was."""
    edge.shift(step=1, every_s=60)
    edge.write(50, side="home")
    edge.watch()
    edge.watcher = Watcher(edge.run_dir, lambda: edge.now)
    edge.write(50)
    found = edge.watch(at=970)

    assert (found.percent, found.reason) == (50, "WSGI has had 0 of 50 requests.")
    assert {each[3] for each in shifts.read_split(edge.run_dir)} == {50}


def test_damaged_lines_and_those_of_other_routes_are_left_out(edge) -> None:
    """As those of a shift that has ended."""
    edge.shift()
    with (edge.run_dir / "shift.tsv").open("a") as file:
        file.write("damaged\n")
        file.write(f"{line(route='fedcba987654')}\n")
        file.write(f"{line(stack='wsgi', route=ID)}\n")

    assert edge.watch(at=901).on_trial.requests == 0


def test_the_lines_of_a_shift_that_is_done_are_freed(edge) -> None:
    """The edge writes one for each request until the project has the pin."""
    edge.shift(step=2, state=ShiftState.DONE)
    edge.write(200)
    splits = edge.watcher.watch_once()

    assert splits
    assert not (edge.run_dir / "shift.tsv").read_bytes().strip(b"\0")
    assert shifts.read(edge.run_dir)[0].state is ShiftState.DONE


def test_requests_that_began_before_the_step_are_not_counted(edge) -> None:
    """They are of another share, of an earlier shift that was rolled back, or of other code."""
    edge.shift()
    edge.write(30, side="home", at="901.000")
    edge.write(10, at="905.000", took="5.001", status="500", statuses="500")
    before = edge.watch(at=906)
    edge.write(10, at="905.000", took="5.000", status="500", statuses="500")
    found = edge.watch(at=907)

    assert (before.state, before.on_trial.requests) == (ShiftState.RUNNING, 0)
    assert (found.state, found.on_trial.requests) == (ShiftState.ROLLED_BACK, 10)


def test_a_second_shift_begins_without_the_samples_of_the_first(edge) -> None:
    """Also at once at 100 %, where the step before would be compared with."""
    edge.shift()
    edge.write(50, side="home")
    edge.write(10, side="failed", statuses="500 : 200")
    first = edge.watch()
    edge.watcher.watch_once()
    edge.now = 1100.0
    edge.shift(steps=(100,), step_began_s=1100.0)
    second = edge.watch(at=1101)

    assert first.state is ShiftState.ROLLED_BACK
    assert (second.state, second.at_home.requests) == (ShiftState.RUNNING, 0)


def test_a_clock_that_is_set_back_begins_the_step_anew(edge) -> None:
    """Or no request would be of the step for as long."""
    edge.shift(step_began_s=5000.0)

    assert edge.watch(at=950).step_began_s == 900


def test_figures_are_written_once_a_second(edge) -> None:
    """A file for each request would take more CPU time than the requests."""
    edge.shift()
    written = (edge.run_dir / "shifts.json").stat().st_ino
    edge.write(50, side="home")
    early = edge.watch(at=900.9)
    kept = (edge.run_dir / "shifts.json").stat().st_ino
    late = edge.watch(at=901)

    assert (early.at_home.requests, late.at_home.requests) == (0, 50)
    assert kept == written


def test_a_difference_that_is_no_failure_is_decided_every_fifty_milliseconds(edge) -> None:
    """Each decision takes milliseconds; one about a failure is made at once."""
    edge.shift()
    edge.write(30, side="home")
    edge.write(20, first_byte="5.000")
    early, late = edge.watch(at=900.04), edge.watch(at=900.06)

    assert (early.state, late.state) == (ShiftState.RUNNING, ShiftState.ROLLED_BACK)
    assert late.on_trial.requests == 20


def test_a_share_of_100_percent_without_a_step_before_is_never_done(edge) -> None:
    """Nothing was compared, so that nothing is to be written into the project."""
    edge.shift(steps=(100,), every_s=60)
    edge.write(50)
    found = edge.watch(at=2000)

    assert (found.state, found.percent) == (ShiftState.RUNNING, 100)
    assert found.reason == (
        "WSGI has had 0 of 50 requests to compare with, and gets no more at 100 %."
    )


def test_a_program_that_was_killed_at_100_percent_goes_back_a_step(edge) -> None:
    """It has the requests of neither side; a paused shift keeps its share."""
    edge.shift(step=2, every_s=60, state=ShiftState.PAUSED)
    paused = edge.watch(at=901)
    edge.shift(step=2, every_s=60)
    back = edge.watch(at=902)
    edge.write(50, side="home")
    edge.write(50)
    last = edge.watch(at=2000)

    assert (paused.percent, back.percent, last.percent) == (100, 50, 100)
    assert back.step_note == (
        "A restart of the program that compares took it back from 100 %: WSGI gets no requests "
        "there to compare with, and those of the step before are lost."
    )
    assert last.step_note == ""
    assert {each[3] for each in shifts.read_split(edge.run_dir)} == {100}


def test_a_reload_at_100_percent_goes_back_a_step(edge, capsys) -> None:
    """The requests of the step before are of other code."""
    edge.shift(steps=(50, 100), every_s=60)
    edge.write(50, side="home")
    edge.write(50)
    last = edge.watch(at=960)
    state = json.loads((edge.run_dir / "state.json").read_text())
    (edge.run_dir / "state.json").write_text(json.dumps({**state, "generation": 2}))
    edge.watch(at=970)
    found = edge.watch(at=971)

    note = (
        "A reload took it back from 100 %: WSGI gets no requests there to compare with, and those "
        "of the step before may be of other code."
    )
    assert (last.percent, found.percent, found.generation) == (100, 50, 2)
    assert found.step_note == note
    assert edge.watch(at=980).step_note == note
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"/reports/ to ASGI: 50 % of its clients, 100 % before. {note}"
    )
