"""Requests are counted by route and stack: of the last minute, and of each minute once."""

import pytest

from django_tandem.monitor import aggregates
from django_tandem.monitor.aggregates import Aggregates
from django_tandem.monitor.request_lines import RequestLine, parse
from unit.monitor.lines import line

# The beginning of a minute.
NOON = 1_800_000_000.0


def request(at: float = NOON + 1, **changes: str) -> RequestLine:
    return parse(line(at=f"{at:.3f}", **changes))


@pytest.fixture
def counted() -> Aggregates:
    return Aggregates(NOON - 3600)


def test_a_window_has_the_last_minute(counted) -> None:
    """By route, stack, and whether the connection is a long one."""
    for at in (NOON - 90, NOON + 1, NOON + 2):
        counted.add(request(at))
    counted.add(request(status="101"))

    found, seconds = counted.window(NOON + 5)
    assert {key: each.requests for key, each in found.items()} == {
        ("/shop/", "wsgi", False): 2,
        ("/shop/", "wsgi", True): 1,
    }
    assert 30 <= seconds <= 60


def test_a_monitor_that_has_just_started_knows_less_than_a_minute() -> None:
    """Its rates are of the time since."""
    counted = Aggregates(NOON)

    assert counted.window(NOON + 4)[1] == 4


def test_each_request_is_in_the_record_of_one_minute(counted) -> None:
    """A minute is closed once its last lines have arrived."""
    for at in (NOON + 1, NOON + 59, NOON + 61):
        counted.add(request(at))

    assert counted.close_minutes(NOON + 61) == []
    (first,) = counted.close_minutes(NOON + 64)
    assert (first.minute, first.requests) == (NOON // 60, 2)
    assert counted.close_minutes(NOON + 100) == []
    (second,) = counted.close_minutes(NOON + 124)
    assert (second.minute, second.requests) == (NOON // 60 + 1, 1)


def test_a_late_line_is_a_further_record_of_its_minute(counted) -> None:
    """Of a monitor that was stopped for a while."""
    counted.add(request(NOON + 1))
    counted.close_minutes(NOON + 64)
    counted.add(request(NOON + 2))

    (late,) = counted.close_minutes(NOON + 65)
    assert (late.minute, late.requests) == (NOON // 60, 1)
    assert counted.close_minutes(NOON + 66) == []


def test_the_time_of_a_request_without_an_answer_is_known_apart(counted) -> None:
    """It may have been in the queue for all of it."""
    counted.add(request(upstream="0.010", queue="0.002"))
    counted.add(request(status="504", upstream="30.000", queue="", cpu=""))

    (record,) = counted.close_minutes(NOON + 2, at_once=True)

    assert record.worker_s == pytest.approx(0.008)
    assert record.unanswered_s == 30.0


def test_the_cpu_time_of_bodies_is_added_to_the_next_request(counted) -> None:
    """A record without a request would have neither a mean nor a percentile."""
    counted.add(request(NOON + 1))
    counted.add_body_cpu("/shop/", "wsgi", 0.5, 0.25)
    counted.add_body_cpu("/shop/", "wsgi", 0.5, 0.25)
    counted.add_body_cpu("/never/", "wsgi", 0.5, 0.25)
    (first,) = counted.close_minutes(NOON + 64)
    counted.add(request(NOON + 65))
    counted.add(request(NOON + 66))
    (second,) = counted.close_minutes(NOON + 124)

    assert first.cpu_s == pytest.approx(0.004)
    assert (second.cpu_s, second.cpu_known) == (pytest.approx(1.008), 2)
    assert second.delay_s == 0.5


@pytest.mark.parametrize("status", ["499", "502", "504"])
def test_a_request_that_no_worker_answered_has_held_none(counted, status) -> None:
    """In an overload it was in the queue for as long as the edge waited."""
    counted.add(request())
    counted.add(request(status=status, upstream="30.000", queue="", cpu=""))
    (record,) = counted.close_minutes(NOON + 64)

    assert (record.requests, record.worker_s) == (2, pytest.approx(0.008))


def test_a_long_connection_holds_its_worker_without_a_queue(counted) -> None:
    """Its handshake is answered without the header."""
    counted.add(request(status="101", upstream="30.000", queue="", cpu=""))
    (record,) = counted.close_minutes(NOON + 64)

    assert record.worker_s == 30.0


def test_at_the_end_the_minute_that_has_begun_is_closed(counted) -> None:
    """Nothing follows it."""
    counted.add(request(NOON + 1))

    assert len(counted.close_minutes(NOON + 2, at_once=True)) == 1


def test_a_clock_that_was_set_back_loses_nothing_that_follows(counted) -> None:
    """The edge and the monitor share it."""
    counted.add(request(NOON + 7200))
    counted.close_minutes(NOON + 7300)
    counted.close_minutes(NOON + 1)
    counted.add(request(NOON + 2))

    assert counted.window(NOON + 3)[0]["/shop/", "wsgi", False].requests == 1
    assert sum(each.requests for each in counted.close_minutes(NOON + 64)) == 1


def test_routes_beyond_a_number_are_counted_together(counted, monkeypatch) -> None:
    """No client can fill the memory with names."""
    monkeypatch.setattr(aggregates, "MOST_ROUTES", 2)

    names = [
        counted.add(request(route=route)).route for route in ("/a/", "/b/", "/c/", "/d/", "/a/")
    ]
    assert names == ["/a/", "/b/", "(other)", "(other)", "/a/"]


def test_a_route_without_a_request_for_a_day_makes_room(counted, monkeypatch) -> None:
    """A deploy has renamed it, and the monitor outlives deploys."""
    monkeypatch.setattr(aggregates, "MOST_ROUTES", 2)
    day = 24 * 3600
    for route, at in (("/old/", NOON), ("/used/", NOON), ("/used/", NOON + day)):
        counted.add(request(at, route=route))

    assert counted.forget_idle_routes(NOON + day) == set()
    assert counted.forget_idle_routes(NOON + day + 120) == {"/old/"}
    assert counted.add(request(NOON + day + 120, route="/new/")).route == "/new/"
    assert counted.add(request(NOON + day + 120, route="/old/")).route == "(other)"


def test_the_slowest_requests_of_an_hour_are_kept(counted, monkeypatch) -> None:
    """Of each minute the slowest few; a connection is none."""
    monkeypatch.setattr(aggregates, "SLOWEST_OF_MINUTE", 2)
    counted.add(request(NOON - 3700, duration="9.000"))
    for duration in ("0.100", "0.500", "0.300", "0.500"):
        counted.add(request(duration=duration))
    counted.add(request(duration="99.000", status="101"))

    assert [each.duration_s for each in counted.slowest(NOON + 5)] == [0.5, 0.5]


def test_the_sums_of_a_record_are_of_what_is_known(counted) -> None:
    """A request that no worker answered has only its duration."""
    counted.add(request())
    counted.add(request(status="502", upstream="", queue="", cpu="", by="edge>wsgi"))

    (record,) = counted.window(NOON + 5)[0].values()
    assert record.statuses == {200: 1, 502: 1}
    assert (record.cpu_known, record.cpu_s, record.handovers) == (1, 0.004, 1)
    assert record.duration_s == pytest.approx(0.024)
    assert record.worker_s == pytest.approx(0.008)
