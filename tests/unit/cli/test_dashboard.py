"""`tandem dashboard` passes the monitor's JSON on to a browser that has the token."""

import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from django_tandem.cli import main
from harness.history import hour
from harness.monitored import monitor_in, sample
from harness.stack import free_port

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("run")
    with monitor_in(directory, sample(), history=hour(1), gauges=[]):
        yield directory


@contextmanager
def dashboard(run_dir: Path, host: str) -> Iterator[tuple[int, str]]:
    """The command until Ctrl-C: its port, and what it prints."""
    port = free_port()
    argv = [
        "-m",
        "django_tandem",
        "dashboard",
        "--run-dir",
        str(run_dir),
        "--bind",
        f"{host}:{port}",
    ]
    with subprocess.Popen(
        [sys.executable, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield port, process.stdout.readline()
        finally:
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=10)
            assert (process.returncode, rest, errors) == (0, "", "")


def token_of(printed: str, port: int) -> str:
    pattern = rf"The dashboard is at http://\S+:{port}/\?token=([\w-]{{32}}) until Ctrl-C.\n"
    return re.fullmatch(pattern, printed)[1]


def get(port: int, target: str, **headers: str) -> tuple[int, bytes, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(), response.getheader("Set-Cookie")
    finally:
        connection.close()


def test_the_data_is_the_monitors(run_dir) -> None:
    """As it answers them on its socket."""
    with dashboard(run_dir, "127.0.0.1") as (port, printed):
        cookie = f"tandem-{port}={token_of(printed, port)}"
        status, body, _ = get(port, "/snapshot.json", Cookie=cookie)
        assert (status, json.loads(body)["generation"]) == (200, 3)
        assert json.loads(get(port, "/history.json?minutes=60", Cookie=cookie)[1]) == json.loads(
            json.dumps(hour(1))
        )
        assert get(port, "/metrics", Cookie=cookie)[0] == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_each_address_needs_the_token(run_dir, host) -> None:
    """The printed URL has it; then a cookie has."""
    with dashboard(run_dir, host) as (port, printed):
        token = token_of(printed, port)
        assert get(port, "/")[0] == 403
        assert get(port, "/snapshot.json")[0] == 403
        status, _, cookie = get(port, f"/?token={token}")
        assert (status, cookie.partition(";")[0]) == (200, f"tandem-{port}={token}")
        assert get(port, "/snapshot.json", Cookie=cookie.partition(";")[0])[0] == 200


def test_a_monitor_that_ends_is_an_error_with_its_reason(tmp_path) -> None:
    """The page shows it, and reads on."""
    with monitor_in(tmp_path, sample()) as _, dashboard(tmp_path, "127.0.0.1") as (port, printed):
        (tmp_path / "metrics.sock").unlink()
        cookie = f"tandem-{port}={token_of(printed, port)}"
        status, body, _ = get(port, "/snapshot.json", Cookie=cookie)

    reason = f"Nothing runs in {tmp_path}. Start it with `tandem up`."
    assert (status, json.loads(body)) == (503, {"error": reason})


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        (
            "nowhere",
            '"nowhere" is not an address to bind.\n'
            '  Give an IP address and a port, such as "127.0.0.1:8000", "[::1]:8000" or ":8000".\n',
        ),
        (
            "192.0.2.1:9002",
            "Can't listen on 192.0.2.1:9002: Cannot assign requested address.\n"
            "  Choose another address with `--bind`.\n",
        ),
    ],
)
def test_an_address_that_is_none_of_this_machine(run_dir, capsys, bind, expected) -> None:
    """The exit code is 2."""
    assert main(["dashboard", "--run-dir", str(run_dir), "--bind", bind]) == 2

    assert capsys.readouterr().err == expected


def test_nothing_runs(tmp_path, capsys) -> None:
    """It does not serve a page that could only show that."""
    assert main(["dashboard", "--run-dir", str(tmp_path)]) == 1

    expected = f"Nothing runs in {tmp_path}.\n  Start it with `tandem up`.\n"
    assert capsys.readouterr().err == expected
