"""What the monitor sends by StatsD."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builders import plan
from django_tandem.model.state import State, planned_state
from django_tandem.monitor.request_lines import RequestLine
from django_tandem.monitor.statsd_export import StatsdExport


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(5)
        yield made


@pytest.fixture
def export() -> Iterator[StatsdExport]:
    made = StatsdExport()
    yield made
    made.close()


def arguments(server: socket.socket, prefix: str) -> str:
    return f"--statsd-host=127.0.0.1:{server.getsockname()[1]} --statsd-prefix={prefix}"


def state(*env_files: Path) -> State:
    return planned_state(plan(env_files=tuple(map(str, env_files))))


def line(**changes) -> RequestLine:
    fields = {
        "at": 0.0,
        "status": 200,
        "method": "GET",
        "stack": "wsgi",
        "handed_over": False,
        "route": "shop/",
        "duration_s": 0.75,
        "worker_s": 0.5,
        "queue_s": 0.125,
        "cpu_s": None,
        "delay_s": 0.0,
        "blocked_s": 0.0,
        "bytes_sent": 10,
        "is_long": False,
        "request_id": "",
        "path": "/shop/",
    }
    return RequestLine(**{**fields, **changes})


def test_requests_have_the_time_in_their_worker(export, server, monkeypatch) -> None:
    """Without one, that at the edge; a static file is not counted, and a stream has no time."""
    monkeypatch.setenv("STATSD_ARGS", arguments(server, "shop"))
    export.configure(state())

    export.add(line())
    export.add(line(stack="edge", status=503, worker_s=None, duration_s=0.25))
    export.add(line(stack="edge", route="(edge)"))
    export.add(line(is_long=True))
    export.flush(workers=4)

    assert server.recv(4096).decode().splitlines() == [
        "shop.gunicorn.workers:4|g",
        "shop.gunicorn.requests:3|c",
        "shop.gunicorn.request.status.200:2|c",
        "shop.gunicorn.request.status.503:1|c",
        "shop.gunicorn.request.duration:375.000|ms",
        "shop.gunicorn.request.duration:250.000|ms",
    ]


def test_what_is_counted_is_sent_before_the_end(export, server, monkeypatch) -> None:
    """Those of the last second."""
    monkeypatch.setenv("STATSD_ARGS", arguments(server, "shop"))
    export.configure(state())

    export.add(line())
    export.close()

    assert server.recv(4096).startswith(b"shop.gunicorn.requests:1|c")


def test_a_generation_reads_its_env_file_anew(export, server, monkeypatch, tmp_path) -> None:
    """The file takes precedence over the environment in which the stack was started."""
    monkeypatch.setenv("STATSD_ARGS", arguments(server, "old"))
    file = tmp_path / "env"
    for prefix in ("one", "two"):
        file.write_text(f"STATSD_ARGS={arguments(server, prefix)}\n")
        export.configure(replace(state(file), generation=2))
        export.flush(workers=1)

        assert server.recv(4096) == f"{prefix}.gunicorn.workers:1|g".encode()


def test_without_an_address_nothing_is_sent(export, server, monkeypatch) -> None:
    """Also not to the server of the generation before."""
    monkeypatch.setenv("STATSD_ARGS", arguments(server, "shop"))
    export.configure(state())
    monkeypatch.delenv("STATSD_ARGS")
    export.configure(state())

    export.add(line())
    export.flush(workers=1)

    server.setblocking(False)
    with pytest.raises(BlockingIOError):
        server.recv(4096)


def test_arguments_that_cannot_be_read_are_reported(export, monkeypatch, capsys) -> None:
    """On the line of the monitor's log."""
    monkeypatch.setenv("STATSD_ARGS", "--statsd-host=a:b:c")

    export.configure(state())

    assert capsys.readouterr().err == (
        "Nothing is sent by StatsD: STATSD_ARGS can't be read: 'a:b:c' is not an address.\n"
    )
