"""The lines of three formats become requests, and every other line is skipped."""

from datetime import UTC, datetime

import pytest

from django_tandem.bench.replay.access_logs import LoggedRequest, parse, read_requests

NOON = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC).timestamp()
JSON = (
    '{"time":"2026-11-26T12:00:00.500+00:00","level":"info","message":"GET /lots/1/ 200",'
    '"method":"GET","path":"/lots/1/","route":"/lots/<int:number>/","stack":"asgi",'
    '"handed_over":false,"status":200,"bytes":12,"duration_s":0.250,"upstream_s":0.24,'
    '"queue_s":0.001,"request_id":"4bf9","client":"127.0.0.1"}'
)
TEXT = (
    '2026-11-26T12:00:00+00:00 127.0.0.1 "GET /lots/1/?page=2 HTTP/1.1" 200 12 0.250s '
    "4bf9 wsgi>asgi"
)
COMBINED = (
    '127.0.0.1 - ann [26/Nov/2026:13:00:00 +0100] "GET /lots/1/?page=2 HTTP/2.0" 304 0 "-" "curl/8"'
)


def test_a_line_of_json_has_the_route_and_the_time_of_arrival() -> None:
    """The time in the log is that of the end."""
    request = parse(JSON)

    assert request == LoggedRequest(
        ended_at=NOON + 0.5,
        method="GET",
        target="/lots/1/",
        status=200,
        route="/lots/<int:number>/",
        stack="asgi",
        duration_s=0.25,
    )
    assert request.began_at == NOON + 0.25


def test_a_line_of_text_has_the_query_and_the_stack_that_answered() -> None:
    """After a handover, the second."""
    assert parse(TEXT) == LoggedRequest(
        ended_at=NOON,
        method="GET",
        target="/lots/1/?page=2",
        status=200,
        stack="asgi",
        duration_s=0.25,
        is_whole_second=True,
    )


def test_a_line_of_the_combined_format_has_neither_route_nor_duration() -> None:
    """Its time has a zone."""
    assert parse(COMBINED) == LoggedRequest(
        ended_at=NOON, method="GET", target="/lots/1/?page=2", status=304, is_whole_second=True
    )


@pytest.mark.parametrize("line", [JSON, TEXT, COMBINED])
@pytest.mark.parametrize("prefix", ["nginx      | ", "Nov 26 12:00:00 host tandem[1]: "])
def test_the_prefix_of_a_log_collector_is_skipped(line, prefix) -> None:
    """As `tandem up` and journald print one."""
    assert parse(prefix + line) == parse(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "— started 2026-11-26 12:00:00 UTC —",
        '{"time":"2026-11-26T12:00:00+00:00","program":"wsgi","message":"hello"}',
        JSON.replace("2026-11-26T12:00:00.500+00:00", "never"),
        "[1, 2]",
        "{",
        JSON.replace("0.250", "NaN"),
        JSON.replace("0.250", "null"),
        JSON[:80],
        TEXT.replace("2026-11-26", "2026-99-26"),
        '2026-11-26T12:00:00+00:00 127.0.0.1 "" 400 150 0.000s 4bf9 edge',
        '127.0.0.1 - - [26/Nov/2026:13:00:00 +0100] "\\x16\\x03\\x01" 400 157 "-" "-"',
    ],
)
def test_any_other_line_is_skipped(line) -> None:
    """Those of other programs, damaged ones, and requests that NGINX could not read."""
    assert parse(line) is None
    assert list(read_requests([line])) == []


def test_requests_of_one_whole_second_are_spread_over_it() -> None:
    """In their order; the next second begins anew."""
    later = COMBINED.replace("13:00:00", "13:00:01")
    times = [each.began_at for each in read_requests([COMBINED, COMBINED, "", later])]

    assert times == [NOON + 0.25, NOON + 0.75, NOON + 1.5]


def test_times_with_a_fraction_stay() -> None:
    """Also of a burst."""
    assert [each.ended_at for each in read_requests([JSON, JSON])] == [NOON + 0.5, NOON + 0.5]
