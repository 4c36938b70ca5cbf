"""StatsD: what STATSD_ARGS says, what is sent, and how little it costs a sender."""

import itertools
import re
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from gunicorn.config import Config
from gunicorn.instrument.statsd import Statsd

from builders import plan
from django_tandem.model.state import State, planned_state
from django_tandem.monitor import statsd
from django_tandem.monitor.request_lines import RequestLine
from django_tandem.monitor.statsd import (
    DATAGRAM_BYTES,
    MOST_DURATIONS,
    OutgoingMetrics,
    StatsdExport,
    StatsdSender,
    StatsdTarget,
    make_datagrams,
    read_target,
)

# What STATSD_ARGS says


@pytest.mark.parametrize(
    "arguments",
    [
        "--statsd-host=127.0.0.1:8125 --statsd-prefix='shop'",
        "--statsd-host 127.0.0.1:9125 --statsd-prefix shop. --workers=3",
        "--statsd-host=stats.example --dogstatsd-tags=env:live,team:web",
        "--statsd-host=[::1]:8125 --statsd-prefix=shop..",
        "--statsd-host=unix:///run/statsd.sock --statsd-prefix=s",
        "--statsd-host=unix:8125",
    ],
)
def test_arguments_have_the_meaning_that_gunicorn_gives_them(arguments) -> None:
    """Its own classes read them for the comparison."""
    config = Config()
    for name, value in vars(config.parser().parse_args(shlex.split(arguments))).items():
        if name.startswith(("statsd", "dogstatsd")) and value is not None:
            config.set(name, value)

    target = read_target(arguments)

    assert target == StatsdTarget(
        address=config.statsd_host, prefix=Statsd(config).prefix, tags=config.dogstatsd_tags
    )


@pytest.mark.parametrize("arguments", ["", "--workers=3", "--statsd-prefix=shop"])
def test_without_a_host_nothing_is_sent(arguments) -> None:
    """The other arguments are Gunicorn's."""
    assert read_target(arguments) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--statsd-host=a:b:c", "'a:b:c' is not an address"),
        ("--statsd-host", "argument --statsd-host: expected one argument"),
        ("--statsd-host='", "No closing quotation"),
    ],
)
def test_arguments_that_are_no_arguments_are_an_error(arguments, message) -> None:
    """The monitor logs it, and sends nothing."""
    with pytest.raises(ValueError, match=re.escape(message)):
        read_target(arguments)


# What is sent


def test_the_names_are_those_of_gunicorn() -> None:
    """Counters by status, a timer for each request, and the workers."""
    metrics = OutgoingMetrics()
    metrics.add(200, 0.012345)
    metrics.add(200, 1.5)
    metrics.add(404, 0.001)
    metrics.add(101, None)

    assert list(metrics.flush(workers=5)) == [
        "gunicorn.workers:5|g",
        "gunicorn.requests:4|c",
        "gunicorn.request.status.101:1|c",
        "gunicorn.request.status.200:2|c",
        "gunicorn.request.status.404:1|c",
        "gunicorn.request.duration:12.345|ms",
        "gunicorn.request.duration:1500.000|ms",
        "gunicorn.request.duration:1.000|ms",
    ]


def test_a_request_is_in_one_flush() -> None:
    """The next one has the requests since then."""
    metrics = OutgoingMetrics()
    metrics.add(200, 0.5)
    list(metrics.flush(None))

    assert list(metrics.flush(None)) == []


def test_of_many_requests_the_durations_are_a_sample_with_its_rate() -> None:
    """Every request is counted; a server that divides by the rate has as many durations."""
    metrics = OutgoingMetrics()
    for _ in range(MOST_DURATIONS * 4):
        metrics.add(200, 0.5)

    _, status, *durations = metrics.flush(None)

    assert status == f"gunicorn.request.status.200:{MOST_DURATIONS * 4}|c"
    assert durations == ["gunicorn.request.duration:500.000|ms|@0.25"] * MOST_DURATIONS


def test_a_sample_is_of_all_requests() -> None:
    """Not of the first ones: half of these are slow, and so is half of the sample."""
    metrics = OutgoingMetrics()
    for number in range(MOST_DURATIONS * 4):
        metrics.add(200, 0.1 if number < MOST_DURATIONS * 2 else 2.0)

    slow = [each for each in metrics.flush(None) if ":2000.000|ms" in each]

    assert 0.4 < len(slow) / MOST_DURATIONS < 0.6


def test_each_line_has_the_prefix_and_the_tags() -> None:
    """Also those with a rate."""
    target = StatsdTarget(address="/s", prefix="shop.", tags="env:live,team:web")

    (datagram,) = make_datagrams(["a:1|c", "b:2|ms|@0.5"], target)

    assert datagram == b"shop.a:1|c|#env:live,team:web\nshop.b:2|ms|@0.5|#env:live,team:web"


def test_datagrams_fit_into_a_packet() -> None:
    """With as many lines as fit, none of them cut."""
    metrics = [f"gunicorn.request.duration:{each}.000|ms" for each in range(1000)]

    datagrams = list(make_datagrams(metrics, StatsdTarget(address="/s")))

    assert max(map(len, datagrams)) <= DATAGRAM_BYTES
    assert [line.decode() for each in datagrams for line in each.split(b"\n")] == metrics
    joined = (len(one) + 1 + len(other) for one, other in itertools.pairwise(datagrams))
    assert min(joined) > DATAGRAM_BYTES


# The sender


@contextmanager
def listening(address: str | tuple[str, int]) -> Iterator[socket.socket]:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(10)
        yield listener


@pytest.fixture(params=["udp", "unix"])
def address(request, tmp_path: Path) -> str | tuple[str, int]:
    if request.param == "unix":
        return str(tmp_path / "statsd.sock")
    with listening(("127.0.0.1", 0)) as unused:
        found: tuple[str, int] = unused.getsockname()
    return found


def test_a_server_receives_what_is_flushed(address) -> None:
    """On a network address and on a Unix socket; close() waits for it."""
    with listening(address) as server:
        sender = StatsdSender(StatsdTarget(address=address, prefix="shop."))
        sender.add(200, 0.25)
        sender.flush(workers=2)
        sender.close()

        assert server.recv(4096) == (
            b"shop.gunicorn.workers:2|g\nshop.gunicorn.requests:1|c\n"
            b"shop.gunicorn.request.status.200:1|c\nshop.gunicorn.request.duration:250.000|ms"
        )


def test_a_server_that_starts_later_receives_further_flushes(address, monkeypatch) -> None:
    """Also one that has replaced its Unix socket; what was sent before is lost."""
    monkeypatch.setattr(statsd, "RETRY_S", 0.0)
    sender = StatsdSender(StatsdTarget(address=address))
    for _ in range(2):
        sender.flush(workers=1)
        with listening(address) as server:
            server.settimeout(0.05)
            received = None
            # The first datagrams after a failure may meet its error.
            for _ in range(100):
                sender.flush(workers=2)
                try:
                    received = server.recv(4096)
                    break
                except TimeoutError:
                    continue
            assert received in (b"gunicorn.workers:2|g", b"gunicorn.workers:1|g")
        if isinstance(address, str):
            Path(address).unlink()
    sender.close()


def test_a_name_that_takes_long_to_resolve_keeps_nobody_waiting(monkeypatch) -> None:
    """The thread waits; the caller's datagrams are dropped once there are too many."""
    monkeypatch.setattr(statsd, "MOST_WAITING", 3)
    asked = []

    def resolve(*args: object, **_: object) -> list[object]:
        asked.append(args)
        released.acquire()
        raise socket.gaierror

    released = statsd.threading.Semaphore(0)
    monkeypatch.setattr(statsd.socket, "getaddrinfo", resolve)
    sender = StatsdSender(StatsdTarget(address=("stats.example", 8125)))

    for _ in range(10):
        sender.flush(workers=1)
    released.release(100)
    sender.close(within_s=5)

    assert asked[0] == ("stats.example", 8125)


# By the requests of the monitor


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
