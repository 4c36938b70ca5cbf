"""The options become workloads, or a usage error."""

import argparse
from types import SimpleNamespace

import pytest

from django_tandem.bench.workload import Replay, Workload
from django_tandem.cli import argument_types, bench
from django_tandem.errors import TandemError


def _workloads(*argv: str) -> list[Workload]:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return bench.workloads_of(parser.parse_args(argv))


def test_each_url_is_a_workload() -> None:
    """Repeated URLs count once; the other options apply to all."""
    first, second = _workloads("/a/?b=1", "/c/", "/a/?b=1", "--connections", "3")

    assert (first.name, first.path, first.method) == ("GET /a/?b=1", "/a/?b=1", "GET")
    assert (second.path, second.connections, second.sockets) == ("/c/", 3, None)


def test_a_body_makes_it_a_post() -> None:
    """Unless there is a method, in any case."""
    (posted,) = _workloads("/a/", "--body", "x=1", "--header", "Content-Type: text/plain")
    (put,) = _workloads("/a/", "--body", "x=1", "--method", "put")

    assert (posted.name, posted.method, posted.body) == ("POST /a/", "POST", "x=1")
    assert posted.headers == (("Content-Type", "text/plain"),)
    assert (put.name, put.method) == ("PUT /a/", "PUT")


def test_websockets_are_open_beside_each_url_or_alone() -> None:
    """`--sockets` is their number."""
    (beside,) = _workloads("/a/", "--ws", "/ws/", "--sockets", "7")
    (alone,) = _workloads("--ws", "/ws/")

    assert beside.sockets == alone.sockets.__class__(path="/ws/", count=7)
    assert (alone.path, alone.sockets.path, alone.sockets.count) == (None, "/ws/", 50)


@pytest.mark.parametrize(
    "argv", [("http://lots.example/a/",), ("/a/", "--ws", "ws://lots.example/ws/")]
)
def test_the_host_of_a_whole_url_is_sent(argv) -> None:
    """The project may accept only that host."""
    (workload,) = _workloads(*argv)

    assert workload.path == "/a/"
    assert workload.headers == (("Host", "lots.example"),)


def test_a_host_header_overrides_the_host_of_the_url() -> None:
    """A request has one Host header."""
    (workload,) = _workloads("http://lots.example/a/", "--header", "host: other.example")

    assert workload.headers == (("host", "other.example"),)


def test_a_url_or_a_websocket_is_required() -> None:
    """The hint has an example."""
    with pytest.raises(TandemError) as caught:
        _workloads()

    assert str(caught.value) == (
        "Expected a URL or `--ws`.\n  Name a URL, such as `tandem bench /api/lots/`."
    )


@pytest.mark.parametrize("url", ["api/lots/", "", "/a b/", "/ä/", "/a\n/", "http://[::1/a/"])
@pytest.mark.parametrize("option", [(), ("--ws",)])
def test_an_invalid_path_is_refused(url, option) -> None:
    """The message has it as it was written."""
    if option and not url:
        return
    with pytest.raises(TandemError) as caught:
        _workloads(*option, url)

    assert str(caught.value) == (
        f'Expected a path of this project, got "{url}".\n'
        "  Start it with a slash and percent-encode non-ASCII characters: /api/lots/?page=2"
    )


@pytest.mark.parametrize(
    "argv",
    [
        ("--connections", "0"),
        ("--sockets", "many"),
        ("--header", "nothing"),
        ("--header", ": x"),
        ("--header", "A: b\r\nC: d"),
        ("--header", "A: ☃"),
        ("--method", "HEAD"),
        ("--method", "G E T"),
    ],
)
def test_an_invalid_option_is_a_usage_error(argv, capsys) -> None:
    """The message names it; the exit code is 2."""
    with pytest.raises(SystemExit) as ended:
        _workloads("/a/", *argv)

    assert ended.value.code == 2
    assert f"argument {argv[0]}: " in capsys.readouterr().err


def test_a_replay_that_writes_needs_consent(monkeypatch) -> None:
    """It would do so as often as the log has it."""
    monkeypatch.setattr(bench.sys, "stdin", SimpleNamespace(isatty=lambda: False))
    settings = SimpleNamespace(DATABASES={"default": {"NAME": "lots"}})
    monkeypatch.setattr(bench, "django_settings", settings)
    workload = Workload(
        name="the replay of it", path=None, method="POST", replay=Replay(source="it")
    )
    with pytest.raises(TandemError) as caught:
        bench.require_consent(SimpleNamespace(yes=False), [workload])

    assert caught.value.message == (
        "POST of the replay of it would run as often as recorded and may write to the database "
        '"lots".'
    )


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon"])
def test_an_invalid_duration_is_refused(text) -> None:
    """Also an infinite one."""
    with pytest.raises(argparse.ArgumentTypeError, match="Expected a number of seconds"):
        argument_types.seconds(text)


@pytest.mark.parametrize(
    ("debug", "allowed", "sent"),
    [
        (True, [], ()),
        (False, ["127.0.0.1"], ()),
        (False, ["*"], ()),
        (False, ["lots.example", "*"], ()),
        (False, ["lots.example"], ("lots.example",)),
        (False, [".lots.example"], ("lots.example",)),
        # Neither of these accepts 127.0.0.1.
        (False, ["localhost"], ("localhost",)),
        (True, ["lots.example"], ("lots.example",)),
        (False, [], ()),
    ],
)
def test_the_host_is_one_that_the_project_accepts(debug, allowed, sent, monkeypatch) -> None:
    """The address itself where it may be, else the first of ALLOWED_HOSTS."""
    settings = SimpleNamespace(DEBUG=debug, ALLOWED_HOSTS=allowed)
    monkeypatch.setattr(bench, "django_settings", settings)
    (given,) = _workloads("/a/")
    (named,) = _workloads("/a/", "--header", "host: other.example")

    assert bench.with_host(given).headers == tuple(("Host", each) for each in sent)
    assert bench.with_host(named) == named
