"""The snapshot has the shifts that somebody may want to see."""

from builders import shift
from django_tandem.model.shifts import ShiftState, SideFigures
from django_tandem.monitor.aggregates import Aggregates
from django_tandem.monitor.snapshot import ShiftProgress
from django_tandem.monitor.snapshots import SnapshotInputs, take


def test_a_shift_is_shown_unless_a_command_has_aborted_it() -> None:
    """Also one that was rolled back, which is at 0 %."""
    shifts = (
        shift(route="/a/", steps=(5, 25), step=1, on_trial=SideFigures(requests=9)),
        shift(route="/b/", state=ShiftState.ROLLED_BACK, reason="It failed."),
        shift(route="/c/", state=ShiftState.ABORTED),
    )
    found = take(Aggregates(0.0), SnapshotInputs(queues={}, shifts=shifts), 60.0).shifts

    assert found[0] == ShiftProgress(
        route="/a/",
        to="asgi",
        home="wsgi",
        state="running",
        percent=25,
        step=2,
        steps=2,
        reason="",
        on_trial=SideFigures(requests=9),
        at_home=SideFigures(),
    )
    assert [(each.route, each.state, each.percent) for each in found[1:]] == [
        ("/b/", "rolled back", 0)
    ]
