"""Starts, reloads and restarts are marked once, when they are seen."""

from django_tandem.monitor.chart_marks import ChartMarks, name_of


def kinds(marks: ChartMarks) -> list[tuple[float, str, str]]:
    return [(mark.at, mark.kind, mark.text) for mark in marks.all]


def test_another_generation_is_a_reload() -> None:
    """The first one is that of the start."""
    marks = ChartMarks(started_at=10.0)
    for generation in (3, 3, 4):
        marks.see_generation(generation, 20.0)

    assert kinds(marks) == [
        (10.0, "start", "The stack was started."),
        (20.0, "reload", "Generation 4 is live."),
    ]
    assert marks.reloads == 1


def test_restarts_since_the_last_sample_are_marked() -> None:
    """Those before the first sample have no time; a program that was removed has none any more."""
    marks = ChartMarks(started_at=10.0)
    marks.see_restarts({"nginx": 2}, 20.0)
    marks.see_restarts({"nginx": 2, "wsgi-1": 3}, 25.0)
    marks.see_restarts({"nginx": 3}, 30.0)

    assert kinds(marks)[1:] == [
        (25.0, "restart", "wsgi-1 was restarted."),
        (30.0, "restart", "nginx was restarted."),
    ]
    assert marks.restarts == {"wsgi": 3, "nginx": 1}


def test_a_monitor_that_was_restarted_marks_and_counts_it() -> None:
    """With its earlier restarts, which supervisord has counted: the counter continues."""
    marks = ChartMarks(started_at=10.0)
    for at in (20.0, 25.0):
        marks.see_restarts({"nginx": 2, "monitor": 3}, at)

    assert kinds(marks)[1:] == [(20.0, "restart", "monitor was restarted.")]
    assert marks.restarts == {"monitor": 3}


def test_a_label_has_no_generation() -> None:
    """It would be another series after each reload."""
    assert [name_of(each) for each in ("master-3", "tasks-2-3", "nginx")] == [
        "master",
        "tasks-2",
        "nginx",
    ]
