"""`tandem bench` measures a project as it is, and writes down what it measured."""

import json
from pathlib import Path

import pytest
from bench.command import SHORT, made_in
from stack.mistaken import running_in

from harness.stack import tandem


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    return made_in(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def one_round(project):
    """One round of a URL with WebSockets open, from a directory below manage.py's."""
    return tandem(project / "mysite", "bench", "/", "--ws", "/ws/", *SHORT, "--json", "out.json")


@pytest.fixture(scope="module")
def rows(one_round, project) -> dict[str, dict]:
    assert one_round.returncode == 0, one_round.stderr
    # Where it was called, wherever the project is.
    written = json.loads((project / "mysite" / "out.json").read_text())
    return {row["topology"]: row for row in written["rows"]}


def test_each_topology_is_a_row_with_numbers(rows) -> None:
    """WSGI alone, ASGI alone, and both."""
    assert list(rows) == ["wsgi", "asgi", "hybrid"]
    for row in rows.values():
        assert (row["failure"], row["numbers"]) == ("", [1])
        (only,) = row["rounds"]
        assert only["driven"]["why"] == []
        assert only["driven"]["answered"] > 0
        for figure in ("requests_per_second", "p99_ms", "memory_mb", "threads"):
            assert row["figures"][figure]["median"] > 0
        assert row["figures"]["requests_per_second"]["ratio"]["median"] > 0


def test_websockets_are_open_where_there_are_any(rows) -> None:
    """And measured: a WSGI server has none."""
    assert rows["wsgi"]["rounds"][0]["driven"]["sockets"] is None
    for name in ("asgi", "hybrid"):
        sockets = rows[name]["rounds"][0]["driven"]["sockets"]
        assert (sockets["opened"], sockets["closed"], sockets["why"]) == (50, 0, [])


def test_the_table_is_on_stdout_and_the_progress_is_not(one_round) -> None:
    """A line for each topology, with its ratio to the hybrid."""
    lines = one_round.stdout.splitlines()
    head = next(line for line in lines if "REQUESTS/S" in line)
    titles = ["WSGI only (gunicorn)", "ASGI only (uvicorn)", "hybrid (gunicorn + uvicorn)"]

    assert head.split()[:4] == ["REQUESTS/S", "÷", "HYBRID", "P50"]
    assert [line for line in lines if line.startswith(tuple(f"{title}  " for title in titles))]
    assert "Round 1 of 1" not in one_round.stdout
    for title in titles:
        assert f"Round 1 of 1: starting {title}\n" in one_round.stderr
    assert one_round.stderr.endswith("/out.json\n")


def test_a_log_is_replayed_on_each_topology(project, tmp_path) -> None:
    """Each route is a row, with its errors and the statuses that the log does not have."""
    line = '127.0.0.1 - - [26/Nov/2026:12:00:00 +0000] "{} HTTP/1.1" 200 2 "-" "-"\n'
    log = tmp_path / "access.log"
    requests = ("GET /", "HEAD /async/", "POST /", "GET /none/")
    log.write_text("".join(map(line.format, requests)))
    out = tmp_path / "out.json"
    argv = ("--duration", "1", "--rounds", "1", "--json", str(out))
    done = tandem(project, "bench", "--from-log", str(log), *argv)

    assert done.returncode == 0, done.stderr
    assert "Left out of the replay: POST requests (1)." in done.stderr
    assert "(unmatched) (404 instead of 200)" in done.stderr
    rows = {
        (each["route"], each["topology"]): each for each in json.loads(out.read_text())["routes"]
    }
    assert {name for _, name in rows} == {"wsgi", "asgi", "hybrid"}
    assert {route for route, _ in rows} == {"/", "/async/", "(unmatched)"}
    assert all(each["requests"] == 1 and each["errors"] == [] for each in rows.values())
    assert all(each["p95_ms"] > 0 for each in rows.values())


def test_nothing_of_it_is_left(one_round, project) -> None:
    """Neither a process nor anything in the project."""
    assert running_in(project) == []
    assert not (project / ".tandem").exists()


def test_websockets_alone_are_measured_where_there_are_any(project) -> None:
    """A WSGI server has none, which is reported and is no failure."""
    done = tandem(project, "bench", "--ws", "/ws/", "--sockets", "3", *SHORT)

    assert done.returncode == 0, done.stderr
    assert "WSGI only (gunicorn): It has no WebSockets.\n" in done.stdout
    assert "DB CONNECTIONS" in done.stdout
