"""The records of the last hour are kept in little memory."""

import json
from dataclasses import asdict

from django_tandem.monitor import last_hour
from django_tandem.monitor.last_hour import LastHour
from django_tandem.monitor.minutes import RouteMinute


def record(minute: int, route: str = "/shop/", **changes) -> RouteMinute:
    return RouteMinute(minute, route, "wsgi", statuses={200: 3}, durations={10: 3}, **changes)


def minutes(kept: LastHour, since: int = 0) -> list[int]:
    return [each["minute"] for each in json.loads(kept.as_json(since))]


def test_a_record_is_an_object_with_its_fields() -> None:
    """JSON has no numbers as keys."""
    kept = LastHour()
    kept.add([record(100, bytes_sent=9)], now=101 * 60)

    (found,) = json.loads(kept.as_json(0))
    assert found.keys() == asdict(record(100)).keys()
    assert (found["statuses"], found["bytes_sent"]) == ({"200": 3}, 9)


def test_records_are_in_the_order_of_their_minutes(monkeypatch) -> None:
    """From a minute on, and no more of them than an hour has."""
    monkeypatch.setattr(last_hour, "HOUR_MINUTES", 3)
    kept = LastHour()
    assert json.loads(kept.as_json(0)) == []
    for minute in (1, 2, 4, 3):
        kept.add([record(minute), record(minute, "/cart/")], now=5 * 60)

    assert minutes(kept) == [2, 2, 3, 3, 4, 4]
    assert minutes(kept, since=4) == [4, 4]


def test_late_lines_are_a_further_record_of_their_minute() -> None:
    """Both are to be added."""
    kept = LastHour()
    kept.add([record(1)], now=2 * 60)
    kept.add([record(1), record(2)], now=3 * 60)

    assert minutes(kept) == [1, 1, 2]


def test_a_clock_that_is_set_back_does_not_hide_the_new_minutes() -> None:
    """Those of the future are forgotten."""
    kept = LastHour()
    for minute in range(1000, 1060):
        kept.add([record(minute)], now=(minute + 1) * 60)
    kept.add([record(900)], now=901 * 60)

    assert minutes(kept) == [900]


def test_the_routes_that_occupy_workers_most_have_a_record(monkeypatch) -> None:
    """The others of a stack are one: a page of all would be too long to draw."""
    monkeypatch.setattr(last_hour, "MOST_RECORDS", 2)
    kept = LastHour()
    kept.add([record(1, f"/{n}/", worker_s=float(n)) for n in range(5)], now=2 * 60)

    found = json.loads(kept.as_json(0))
    assert [(each["route"], each["worker_s"], each["statuses"]) for each in found] == [
        ("/4/", 4.0, {"200": 3}),
        ("/3/", 3.0, {"200": 3}),
        ("(other)", 3.0, {"200": 9}),
    ]
