"""The busiest time of a log is replayed, and what is left out is counted."""

from typing import Any

import pytest

from django_tandem.bench.replay import recording
from django_tandem.bench.replay.access_logs import LoggedRequest
from django_tandem.bench.replay.recording import Selection, busiest, record
from django_tandem.bench.workload import Replay, TimedRequest


def logged(at: float, target: str = "/", **changes: Any) -> LoggedRequest:
    given = {"ended_at": at, "method": "GET", "target": target, "status": 200, **changes}
    return LoggedRequest(**given)


def _record(*requests: LoggedRequest, span_s: float = 10) -> Replay:
    wanted = Selection(
        methods=("GET", "HEAD"),
        span_s=span_s,
        route_of=lambda target: f"route of {target}",
        is_file=lambda target: target.startswith("/static/"),
    )
    return record(requests, "nginx.log", wanted)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([5.0], 5.0),
        ([0, 1, 2], 0),
        ([0, 20, 21, 22, 40, 41], 20),
        # The end does not belong to it.
        ([0, 10, 11], 10),
        ([0, 1, 20, 21], 0),
    ],
)
def test_the_busiest_time_begins_with_a_request(times, expected) -> None:
    """The first of several that are equally busy."""
    assert busiest(times, 10) == expected


def test_times_count_from_the_first_arrival() -> None:
    """A log is in the order of the ends."""
    slow, fast = logged(109, "/slow/", duration_s=9), logged(101, "/fast/", method="HEAD")
    replay = _record(fast, slow)

    assert (replay.source, replay.began, replay.span_s) == ("nginx.log", 100, 1)
    assert replay.left_out == ()
    assert replay.requests == (
        TimedRequest(at_s=0, method="GET", target="/slow/", route="route of /slow/", status=200),
        TimedRequest(at_s=1, method="HEAD", target="/fast/", route="route of /fast/", status=200),
    )


def test_the_route_of_the_log_counts_where_it_has_one() -> None:
    """It is that of the stack which answered."""
    (only,) = _record(logged(0, route="/<slug>/")).requests

    assert only.route == "/<slug>/"


def test_what_is_left_out_is_counted_by_its_kind() -> None:
    """Within the time that is replayed, and no other."""
    replay = _record(
        logged(0),
        logged(1, method="POST"),
        logged(1, method="POST"),
        logged(2, "/static/site.css"),
        logged(2, "/favicon.ico", stack="edge"),
        logged(3, "/ws/", status=101),
        logged(40, "/events/", duration_s=35),
        logged(4, "*", method="OPTIONS"),
        logged(90, method="DELETE"),
    )

    assert len(replay.requests) == 1
    assert dict(replay.left_out) == {
        "POST requests": 2,
        recording.FILES: 2,
        recording.STREAMS: 2,
        recording.NO_PATH: 1,
    }


def test_a_replay_has_an_upper_bound(monkeypatch) -> None:
    """The first are kept: a sample would change the rate."""
    monkeypatch.setattr(recording, "MOST_REQUESTS", 2)
    replay = _record(logged(0), logged(1), logged(2))

    assert [each.at_s for each in replay.requests] == [0, 1]
    assert replay.left_out == ((recording.BEYOND, 1),)


def test_a_log_without_requests_is_an_empty_replay() -> None:
    """Nothing is busiest."""
    assert _record() == Replay(source="nginx.log")


def test_a_speed_divides_the_times() -> None:
    """The span stays that of the log."""
    replay = _record(logged(0), logged(4)).at_speed(2)

    assert [each.at_s for each in replay.requests] == [0, 2]
    assert (replay.speed, replay.span_s) == (2, 4)
