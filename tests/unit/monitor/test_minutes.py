"""What one route did in a minute."""

from dataclasses import fields

from django_tandem.monitor.minutes import SUMS, RouteMinute, bucket_of, percentile


def minute(**changes) -> RouteMinute:
    return RouteMinute(
        **{
            "minute": 100,
            "route": "shop/",
            "stack": "wsgi",
            "statuses": {200: 3, 500: 1},
            "durations": {10: 4},
            "queues": {2: 4},
            "duration_s": 0.5,
            "queue_s": 0.25,
            "cpu_s": 0.125,
            "cpu_known": 3,
            "delay_s": 0.0625,
            "worker_s": 0.25,
            "bytes_sent": 1000,
            "handovers": 1,
            **changes,
        }
    )


def test_records_of_one_route_are_added() -> None:
    """Counts by their key, and sums; the identity stays that of the first."""
    first = minute()

    first.add(minute(minute=101, statuses={200: 1, 404: 2}, durations={10: 1, 11: 2}, minutes=1))

    assert first == minute(
        statuses={200: 4, 500: 1, 404: 2},
        durations={10: 5, 11: 2},
        queues={2: 8},
        duration_s=1.0,
        queue_s=0.5,
        cpu_s=0.25,
        cpu_known=6,
        delay_s=0.125,
        worker_s=0.5,
        bytes_sent=2000,
        handovers=2,
    )


def test_each_field_is_an_identity_a_count_or_a_sum() -> None:
    """A field that is added later is not left out of a sum by oversight."""
    named = {"minute", "minutes", "route", "stack", "is_long", "statuses", "durations", "queues"}

    assert {each.name for each in fields(RouteMinute)} == named | set(SUMS)


def test_errors_are_the_statuses_from_500_on() -> None:
    """A 404 or a 499 is none."""
    assert minute(statuses={200: 1, 404: 2, 499: 4, 500: 8, 504: 16}).errors == 24


def test_a_percentile_is_within_ten_percent_above() -> None:
    """Each bucket's upper bound is 10 % above the one before."""
    times = [each / 1000 for each in range(1, 101)]
    buckets: dict[int, int] = {}
    for each in times:
        buckets[bucket_of(each)] = buckets.get(bucket_of(each), 0) + 1

    found = percentile(buckets, 0.95)

    assert found is not None
    assert 0.095 <= found <= 0.095 * 1.1
    assert percentile({}, 0.95) is None
