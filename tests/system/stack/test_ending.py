"""A stack that stops finishes its requests, and leaves nothing running."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.client import HELD_TIMEOUT_S, Answer, ask, wait_for
from harness.projects import SMALL, channels_alone, without_apps
from harness.stack import Up, clean_environment, free_port, tandem


def _pids(directory: Path) -> list[int]:
    status = json.loads(tandem(directory, "status", "--json").stdout)
    return [status["pid"], *(each["pid"] for each in status["processes"])]


def _assert_all_end(pids: list[int], *, within_s: float) -> None:
    until = time.monotonic() + within_s
    while left := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < until, f"still there: {left}"
        time.sleep(0.05)


def _start(
    directory: Path,
    port: int,
    *,
    environment: dict[str, str] | None = None,
    **streams: object,
) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "django_tandem", "up", "--bind", f"127.0.0.1:{port}"]
    given = clean_environment() | (environment or {})
    return subprocess.Popen(argv, cwd=directory, env=given, start_new_session=True, **streams)


def _wait_until_ready(directory: Path, process: subprocess.Popen[bytes]) -> None:
    def is_ready() -> bool:
        assert process.poll() is None
        return tandem(directory, "status").returncode == 0

    wait_for(is_ready, within_s=60)


# Of a sitecustomize, which Python imports before supervisord.
SIGNALLED = """
import os
import signal
import sys

if "supervisor.supervisord" in sys.orig_argv:
    os.kill(os.getpid(), signal.{})
"""


@pytest.mark.parametrize("sent", ["SIGTERM", "SIGINT"])
def test_a_signal_before_supervisord_handles_it_is_not_lost(sent, tmp_path) -> None:
    """It would be ignored in process 1 of a container, and leave a traceback or -15 elsewhere."""
    early = tmp_path / "early"
    early.mkdir()
    (early / "sitecustomize.py").write_text(SIGNALLED.format(sent))
    own = os.environ.get("PYTHONPATH")

    with (tmp_path / "output").open("w+") as output:
        up = _start(
            without_apps(tmp_path / "project", **SMALL),
            free_port(),
            environment={"PYTHONPATH": os.pathsep.join(filter(None, (str(early), own)))},
            stdout=output,
            stderr=output,
        )

        assert up.wait(30) == 0, output.read()
        output.seek(0)
        assert "Traceback" not in output.read()


def test_a_closed_terminal_stops_the_stack(tmp_path) -> None:
    """It sends SIGHUP, and writing to it fails."""
    ours, theirs = os.openpty()
    # `start_new_session` and the first open of a terminal make it the controlling one.
    project = channels_alone(tmp_path, **SMALL)
    up = _start(project, free_port(), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    _drain(ours)
    _wait_until_ready(tmp_path, up)
    pids = _pids(tmp_path)

    os.close(ours)
    up.send_signal(signal.SIGHUP)

    assert up.wait(timeout=30) == 0
    _assert_all_end(pids, within_s=5)


def _drain(terminal: int) -> None:
    os.set_blocking(terminal, False)


@pytest.fixture(scope="module")
def inheriting(tmp_path_factory) -> Iterator[Up]:
    """A stack that inherits an ignored signal, and warnings that are errors."""
    directory = without_apps(tmp_path_factory.mktemp("inheriting"), **SMALL)
    with Up(directory, prefix=("nohup",), environment={"PYTHONWARNINGS": "error"}) as up:
        yield up


def test_warnings_that_are_errors_are_for_the_programs_alone(inheriting) -> None:
    """supervisor's own code warns, and could then answer no command."""
    _supervisord, *programs = _pids(inheriting.directory)
    environments = [Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in programs]

    # NGINX overwrites its own with its title.
    assert any(b"PYTHONWARNINGS=error" in variables for variables in environments)


def test_nohup_keeps_the_stack_running(inheriting) -> None:
    """A signal that was ignored at the start is ignored by the stack."""
    inheriting.process.send_signal(signal.SIGHUP)
    inheriting.process.send_signal(signal.SIGHUP)

    assert ask(inheriting.port, "/").status == 200
    assert inheriting.stop() == 0
    assert "stopping: " in inheriting.stdout


def test_a_closed_reader_changes_nothing(tmp_path) -> None:
    """`tandem up | head` keeps serving, and `tandem down` stops it."""
    project = without_apps(tmp_path, **SMALL)
    up = _start(project, free_port(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    _wait_until_ready(tmp_path, up)
    pids = _pids(tmp_path)
    up.stdout.close()

    assert tandem(tmp_path, "status").returncode == 0
    assert tandem(tmp_path, "down").returncode == 0

    assert up.wait(timeout=30) == 0
    _assert_all_end(pids, within_s=5)


# A request that is in flight for as long as the file `held` is there.
HELD = """
import time
from pathlib import Path

from django.http import HttpResponse
from django.urls import path


def held(request):
    Path(__file__).with_name("held.taken").touch()
    while Path(__file__).with_name("held").exists():
        time.sleep(0.05)
    return HttpResponse("done")


urlpatterns = [path("held/", held)]
"""
PROBES = 20


def _taken(directory: Path) -> Path:
    """Return the path of the file that the request makes when it has begun."""
    return directory / "mysite" / "held.taken"


def test_a_second_ctrl_c_stops_at_once(tmp_path) -> None:
    """The first waits up to STOP_S for a request, the second does not."""
    without_apps(tmp_path, **SMALL, STOP_S=600)
    (tmp_path / "mysite" / "urls.py").write_text(HELD)
    (tmp_path / "mysite" / "held").touch()

    with Up(tmp_path) as up, ThreadPoolExecutor() as pool:
        pids = _pids(tmp_path)
        held = pool.submit(ask, up.port, "/held/", timeout_s=HELD_TIMEOUT_S)
        wait_for(_taken(tmp_path).exists)
        up.process.send_signal(signal.SIGINT)
        up.wait_for("Ctrl-C again stops at once")
        assert not held.done()
        up.process.send_signal(signal.SIGINT)

        # Without it the stop would wait for the end of the request's 30 s.
        up.wait(15)
        _assert_all_end(pids, within_s=1)


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """What a stack that stops showed while its last request was in flight, and its end."""

    up: Up
    # By a file in its run directory, which the commands read: after each of two signals.
    is_marked: bool
    status: subprocess.CompletedProcess[str]
    second: subprocess.CompletedProcess[str]
    # Of health checks on a connection from before the stop.
    probed: set[int | None]
    # Whether all of this was before the response.
    is_early: bool
    answer: Answer
    code: int


@pytest.fixture(scope="module")
def stopping(tmp_path_factory, nginx_program) -> Stopping:
    """A stack that got SIGTERM twice, with a request in flight that ends after all of the rest."""
    edge = {"NGINX": nginx_program.program}
    directory = without_apps(tmp_path_factory.mktemp("stopping"), **SMALL, STOP_S=60, EDGE=edge)
    (directory / "mysite" / "urls.py").write_text(HELD)
    held = directory / "mysite" / "held"
    held.touch()
    with Up(directory) as up, ThreadPoolExecutor() as pool:
        prober = http.client.HTTPConnection("127.0.0.1", up.port, timeout=5)
        assert _probe(prober) == 200
        answer = pool.submit(ask, up.port, "/held/", timeout_s=HELD_TIMEOUT_S)
        wait_for(_taken(directory).exists)
        up.process.send_signal(signal.SIGTERM)
        up.wait_for("stopping: finishes requests in flight")
        wait_for(lambda: _probe(http.client.HTTPConnection("127.0.0.1", up.port)) is None)
        is_marked = (up.run_dir / "stopping").exists()
        # As a preStop hook and an orchestrator may both send it.
        up.process.send_signal(signal.SIGTERM)
        shown = {
            "is_marked": is_marked and (up.run_dir / "stopping").exists(),
            "status": tandem(directory, "status"),
            "second": tandem(directory, "up", "--bind", f"127.0.0.1:{free_port()}"),
            "probed": {_probe(prober) for _ in range(PROBES)},
            "is_early": not answer.done(),
        }
        held.unlink()
        return Stopping(up=up, answer=answer.result(20), code=up.wait(), **shown)


def test_a_second_sigterm_changes_nothing(stopping) -> None:
    """Requests in flight are finished."""
    assert (stopping.answer.text, stopping.code) == ("done", 0)


def test_a_stack_that_stops_is_not_called_running(stopping) -> None:
    """Neither by `up`, which is refused until it has stopped, nor by `status`."""
    assert (stopping.is_marked, stopping.is_early) == (True, True)
    assert not (stopping.up.run_dir / "stopping").exists()
    sentence = f"The stack in {stopping.up.run_dir} is stopping.\n"
    hint = "`tandem down` waits until it has stopped.\n"
    assert (stopping.status.returncode, stopping.status.stderr) == (1, f"{sentence}  {hint}")
    assert stopping.second.returncode == 2
    hint = "Start it again once it has stopped; `tandem down` waits for that.\n"
    assert stopping.second.stderr.endswith(f"{sentence}  {hint}")


def test_health_checks_fail_while_a_stack_stops(stopping) -> None:
    """While the last requests are finished, also on a connection that the prober keeps."""
    assert (stopping.probed, stopping.is_early) == ({None}, True)
    assert stopping.answer.text == "done"


def _probe(prober: http.client.HTTPConnection) -> int | None:
    """Return the status of a health check, or None if it gets no response."""
    try:
        prober.request("GET", "/.tandem/ready")
        response = prober.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        prober.close()
        return None
    return response.status


def test_rendered_files_run_under_plain_supervisord(tmp_path) -> None:
    """`status` and `down` work as with `tandem up`."""
    without_apps(tmp_path, **SMALL, BIND=f"127.0.0.1:{free_port()}")
    for target in ("nginx", "supervisor"):
        assert tandem(tmp_path, "render", target).returncode == 0
    argv = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", ".tandem/supervisord.conf"]

    plain = subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        _wait_until_ready(tmp_path, plain)
        pids = _pids(tmp_path)
        assert (tmp_path / ".tandem").stat().st_mode & 0o777 == 0o700
        assert tandem(tmp_path, "down").returncode == 0
    finally:
        if plain.poll() is None:
            plain.terminate()

    assert plain.wait(timeout=30) == 0
    _assert_all_end(pids, within_s=5)


def test_the_port_is_free_again_at_once(tmp_path) -> None:
    """`up` right after `down` starts, and so it does after SIGTERM, detached or not."""
    without_apps(tmp_path, **SMALL)
    port = free_port()

    def up_and_down() -> list[int]:
        up = tandem(tmp_path, "up", "--detach", "--bind", f"127.0.0.1:{port}")
        return [up.returncode, tandem(tmp_path, "down").returncode]

    assert up_and_down() == [0, 0]
    with Up(tmp_path, port=port) as up:
        assert up.stop() == 0
    assert up_and_down() == [0, 0]
