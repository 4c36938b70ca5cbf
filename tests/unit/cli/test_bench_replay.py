"""`tandem bench --from-log`: its options and sources become a workload, or an error."""

import argparse
import gzip
import time
from dataclasses import replace
from pathlib import Path

import oracle.configured  # noqa: F401 - to import it is to configure Django
import pytest
from bench.replay.test_access_logs import COMBINED, JSON, TEXT
from bench.reports import HYBRID, WSGI, latency, measured, report, row
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from django_tandem.bench.results import RouteResult
from django_tandem.bench.workload import Workload
from django_tandem.cli import bench, bench_replay
from django_tandem.errors import TandemError
from django_tandem.monitor.history import HISTORY, HistoryWriter
from django_tandem.monitor.minutes import RouteMinute

urlpatterns = [path("lots/<int:number>/", HttpResponse)]


@pytest.fixture(autouse=True)
def urlconf():
    bench_replay._pattern.cache_clear()
    with override_settings(ROOT_URLCONF=__name__, STATIC_URL="/static/", MEDIA_URL="/media/"):
        yield


def _options(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    options = parser.parse_args(argv)
    bench_replay.require_consistent(options)
    options.duration = options.duration or bench.REPLAY_DURATION_S
    return options


def _workload(source: Path, *argv: str) -> Workload:
    return bench_replay.workload_of(_options("--from-log", str(source), *argv), None)


def _error(call, *args) -> str:
    with pytest.raises(TandemError) as caught:
        call(*args)
    return str(caught.value)


@pytest.mark.parametrize("line", [JSON, TEXT, COMBINED])
@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_log_file_of_any_format_is_replayed(line, is_gzip, tmp_path) -> None:
    """Also compressed; the route is the URLconf's where the log has none."""
    log = tmp_path / "access.log"
    data = f"noise\n{line}\n".encode()
    log.write_bytes(gzip.compress(data) if is_gzip else data)
    workload = _workload(log)

    assert (workload.name, workload.path, workload.method) == (
        "the replay of access.log",
        None,
        "GET",
    )
    (only,) = workload.replay.requests
    assert (only.at_s, only.route) == (0, "/lots/<int:number>/")


def test_a_run_directory_has_its_log_with_the_older_part(tmp_path) -> None:
    """It is rotated at 10 MB."""
    (tmp_path / "nginx.log.1").write_text(f"{JSON}\n")
    (tmp_path / "nginx.log").write_text(f"{JSON}\n")

    assert len(_workload(tmp_path).replay.requests) == 2


def test_a_history_is_replayed_with_the_urls_of_the_log_beside_it(tmp_path) -> None:
    """At the rate of its busiest minute."""
    now = int(time.time()) // 60
    records = [
        RouteMinute(minute=now - 5, route=route, stack="wsgi", statuses={200: 30})
        for route in ("/lots/<int:number>/", "/bids/<int:number>/")
    ]
    HistoryWriter(tmp_path / HISTORY).write(records)
    (tmp_path / "nginx.log").write_text(f"{JSON}\n")
    (tmp_path / "nginx.log").rename(tmp_path / "nginx.log.1")
    found = _workload(tmp_path / HISTORY, "--duration", "10").replay

    assert {each.target for each in found.requests} == {"/lots/1/"}
    assert len(found.requests) == 5
    assert found.left_out == (("requests of /bids/<int:number>/, of which the log has no URL", 5),)


def test_a_speed_takes_as_much_more_of_the_log(tmp_path) -> None:
    """A round is as long as before."""
    log = tmp_path / "access.log"
    log.write_text("\n".join(JSON.replace("12:00:00", f"12:00:{at:02}") for at in range(0, 60, 5)))
    found = _workload(log, "--duration", "10", "--speed", "2").replay

    assert [each.at_s for each in found.requests] == [0, 2.5, 5, 7.5]


def test_files_and_other_methods_are_left_out(tmp_path) -> None:
    """Unless the methods are named."""
    log = tmp_path / "access.log"
    lines = [
        COMBINED,
        COMBINED.replace("GET", "POST"),
        COMBINED.replace("/lots/1/?page=2", "/static/a.css"),
        COMBINED.replace("/lots/1/?page=2", "/media/a.png"),
    ]
    log.write_text("\n".join(lines))
    given, named = _workload(log), _workload(log, "--methods", "get,post")

    assert dict(given.replay.left_out) == {
        "POST requests": 1,
        "files, and what the edge answered without a stack": 2,
    }
    assert sorted(each.method for each in named.replay.requests) == ["GET", "POST"]
    assert (given.method, named.method) == ("GET", "POST")


def test_a_source_without_requests_is_refused(tmp_path) -> None:
    """With what was left out."""
    log = tmp_path / "access.log"
    log.write_text(COMBINED.replace("GET", "PUT"))

    assert _error(_workload, log) == (
        f'"{log}" has no request that can be replayed: PUT requests (1).\n'
        "  `--methods PUT` replays these."
    )
    log.write_text(COMBINED.replace("/lots/1/?page=2", "/static/a.css"))
    assert _error(_workload, log) == (
        f'"{log}" has no request that can be replayed: files, and what the edge answered '
        "without a stack (1).\n  Name a log with requests that a view responded to."
    )


@pytest.mark.parametrize("content", ["", "nothing\n", "\0\1\n"])
def test_a_file_without_a_line_of_a_log_is_refused(content, tmp_path) -> None:
    """An empty one as well."""
    log = tmp_path / "access.log"
    log.write_text(content)

    assert _error(_workload, log) == (
        f'"{log}" has no line of an access log.\n'
        "  Name a log of tandem, text or JSON, or one of NGINX in its combined format."
    )


def test_a_history_without_a_request_that_has_a_url_is_refused(tmp_path) -> None:
    """It has no URLs with parameters, and maybe no requests."""
    history = tmp_path / HISTORY
    minute = int(time.time()) // 60 - 5
    record = RouteMinute(minute=minute, route="(unmatched)", stack="wsgi", statuses={404: 30})
    HistoryWriter(history).write([record])
    nothing = _error(_workload, history)
    HistoryWriter(history).write([replace(record, route="/lots/<int:number>/", statuses={200: 30})])

    assert nothing == (
        f'"{history}" has no request for a view.\n'
        "  The monitor records them while `tandem up` runs, once a minute."
    )
    assert _error(_workload, history) == (
        f'"{history}" has no request that can be replayed: requests of /lots/<int:number>/, of '
        "which the log has no URL (30).\n"
        "  Name a run directory or an access log: a history has no methods and no parameters."
    )
    HistoryWriter(history).write(
        [replace(record, minute=minute + 1, route="/lots/", statuses={200: 9})]
    )
    assert _error(_workload, history, "--methods", "POST").startswith(
        f'"{history}" has no request that can be replayed: requests of /lots/<int:number>/, of '
    )


def test_a_damaged_gzip_file_is_refused(tmp_path) -> None:
    """As one that was copied while it was written."""
    log = tmp_path / "access.log.gz"
    log.write_bytes(gzip.compress(f"{JSON}\n".encode())[:-9])

    assert _error(_workload, log) == (
        f'"{log}" can\'t be decompressed: Compressed file ended before the end-of-stream marker '
        "was reached.\n  Copy it again, or name a log that is not compressed."
    )


def test_a_source_that_is_no_log_is_refused(tmp_path) -> None:
    """Before anything is started."""
    assert _error(_workload, tmp_path) == (
        f'"{tmp_path}" has no access log and no history.\n'
        "  Name a run directory, such as .tandem, or a log file."
    )
    assert _error(_workload, tmp_path / "none") == (
        f'"{tmp_path}/none" can\'t be read: No such file or directory.\n'
        "  Name a log or a run directory."
    )


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (("/a/",), "a URL"),
        (("--body", "x"), "`--body`"),
        (("--method", "GET"), "`--method`"),
        (("--message", "x"), "`--message`"),
        (("--trigger", "/a/"), "`--trigger`"),
    ],
)
def test_a_log_excludes_what_it_has_itself(argv, name) -> None:
    """Neither is ignored."""
    assert _error(_options, "--from-log", "x", *argv) == (
        f"Expected `--from-log` or {name}, got both.\n"
        "  A log has the URLs and the methods of its requests, and no more."
    )


def test_methods_are_those_of_a_log() -> None:
    """For a URL there is another option."""
    assert _error(_options, "/a/", "--methods", "GET") == (
        "`--methods` is for `--from-log`.\n  A URL's own is given by `--method`."
    )


def test_a_speed_is_that_of_a_log() -> None:
    """It is not ignored."""
    assert _error(_options, "/a/", "--speed", "2") == (
        "`--speed` is for `--from-log`.\n  The load of a URL is set by `--connections`."
    )


@pytest.mark.parametrize(
    "argv", [("--speed", "0"), ("--speed", "fast"), ("--methods", "GET,TRACE")]
)
def test_an_invalid_option_is_a_usage_error(argv, capsys) -> None:
    """The message names it."""
    with pytest.raises(SystemExit):
        _options("--from-log", "x", *argv)

    assert f"argument {argv[0]}: Expected " in capsys.readouterr().err


def test_each_route_has_a_line_for_each_topology(capsys) -> None:
    """Below it are the kinds of errors."""
    result = RouteResult(
        route="/a/",
        requests=1200,
        latency=latency(40),
        errors=(("status 500", 2),),
        changed=(("302 instead of 200", 3),),
    )
    rows = [row(each, measured(1, 1, routes=(result,))) for each in (HYBRID, WSGI)]
    bench_replay.print_routes(report(rows), rows)
    lines = capsys.readouterr().out.splitlines()

    assert lines == [
        "",
        "ROUTE  REQUESTS  TOPOLOGY   P50 (ms)  P95 (ms)  ERRORS  OTHER STATUS",
        "/a/    1,200     Hybrid     10.0      20.0      2       3",
        "/a/    1,200     WSGI only  10.0      20.0      2       3",
        "/a/, Hybrid: status 500, 2 times",
        "/a/, WSGI only: status 500, 2 times",
    ]


def test_the_table_has_the_routes_with_most_requests(capsys, monkeypatch) -> None:
    """The number of the others is printed."""
    monkeypatch.setattr(bench_replay, "MOST_ROUTES", 1)
    results = tuple(
        RouteResult(route=f"/{number}/", requests=number, latency=None) for number in (1, 2, 3)
    )
    rows = [row(WSGI, measured(1, 1, routes=results))]
    bench_replay.print_routes(report(rows), rows)

    assert capsys.readouterr().out.splitlines()[2:] == [
        "/3/    3         WSGI only                      0       0",
        "2 further routes: `--json` and `--html` have all.",
    ]
