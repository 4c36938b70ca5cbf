"""`tandem status` shows what serves, what drains and what is used, correctly."""

import http.client
import itertools
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.client import wait_for
from harness.projects import channels_alone
from harness.stack import Up, clean_environment, started, tandem

DRAIN_S = 60
TANDEM = f"""
TANDEM = {{
    "WSGI": {{"WORKERS": 2}},
    "ASGI": {{"WORKERS": 1}},
    "DRAIN_S": {DRAIN_S},
    "SHARED_MASTER": False,
}}
"""
# A request that takes as long as a file says so.
HELD = """
import time
from pathlib import Path


def held(request):
    while Path(__file__).with_name("held").exists():
        time.sleep(0.1)
    return HttpResponse("released")


urlpatterns.append(path("held/", held))
"""
# A WSGI server that fails to start as long as a file exists.
SLOW = """
import time
from pathlib import Path

while Path(__file__).with_name("slow").exists():
    time.sleep(0.1)
"""
WITHIN_S = 60


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    directory = channels_alone(tmp_path_factory.mktemp("standing"))
    for name, added in (("settings", TANDEM), ("urls", HELD), ("wsgi", SLOW)):
        file = directory / "mysite" / f"{name}.py"
        file.write_text(file.read_text() + added)
    with Up(directory) as running:
        yield running


def _status(up: Up) -> dict[str, Any]:
    return json.loads(tandem(up.directory, "status", "--json").stdout)


def _program(status: dict[str, Any], name: str) -> dict[str, Any]:
    found = [each for each in status["processes"] if each["program"] == name]
    assert len(found) == 1, status
    return found[0]


def _duties(status: dict[str, Any]) -> dict[str, str]:
    return {each["program"]: each["duty"] for each in status["processes"]}


def test_each_program_is_listed_with_what_it_uses(up) -> None:
    """Units in the names, and nothing of it empty for one that runs."""
    status = wait_for(lambda: (found := _status(up))["is_ready"] and found, within_s=WITHIN_S)

    assert (status["generation"], status["reload_pid"]) == (1, None)
    assert (status["url"], status["pid"]) == (f"{up.url}/", up.process.pid)
    assert _duties(status) == dict.fromkeys(
        ("asgi-1", "monitor", "nginx", "valkey", "wsgi-1"), "serving"
    )
    wsgi = _program(status, "wsgi-1")
    assert (wsgi["stack"], wsgi["state"], wsgi["generation"]) == ("wsgi", "ready", 1)
    assert (wsgi["restarts"], wsgi["connections"], wsgi["left_s"]) == (0, 0, None)
    assert 0 < wsgi["cpu_percent"] < 200
    # Each of the three shares most of what it holds with the others.
    assert 20 < wsgi["memory_pss_mb"] < wsgi["memory_rss_mb"]
    assert _program(status, "nginx")["connections"] is None


def test_a_start_and_health_checks_log_nothing(up) -> None:
    """Neither workers that boot, nor a hint to press Ctrl-C, nor the requests of tandem itself."""
    assert tandem(up.directory, "logs", "wsgi", "asgi", "nginx").stdout == ""


def test_the_table_shows_the_same(up) -> None:
    """One row per program, below the sentences on the generations."""
    done = tandem(up.directory, "status")

    assert done.returncode == 0
    output, empty, header, *rows = done.stdout.splitlines()
    assert output.startswith(f"Generation 1 has served {up.url}/ for ")
    assert (empty, header.split()[:4]) == ("", ["PROGRAM", "STACK", "STATE", "PID"])
    programs = itertools.takewhile(bool, rows)
    assert [row.split()[0] for row in programs] == [
        "asgi-1",
        "monitor",
        "nginx",
        "valkey",
        "wsgi-1",
    ]


def test_a_program_that_died_is_counted(up) -> None:
    """Until it is replaced."""
    killed = _program(_status(up), "wsgi-1")["pid"]
    os.kill(killed, signal.SIGKILL)

    def again() -> dict[str, Any] | None:
        now = _program(_status(up), "wsgi-1")
        return now if now["state"] == "ready" and now["pid"] != killed else None

    assert wait_for(again, within_s=WITHIN_S)["restarts"] == 1
    row = next(
        line for line in tandem(up.directory, "status").stdout.splitlines() if "wsgi-1" in line
    )
    assert " MB  1 " in row


def _drains_one(status: dict[str, Any]) -> dict[str, Any] | None:
    old = _program(status, "wsgi-1")
    return status if old["left_s"] is not None and old["connections"] == 1 else None


def _status_of(port: int, path: str) -> int:
    # As long as a reload may take on a machine with other work.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3 * WITHIN_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_what_drains_is_listed_with_its_connections(up) -> None:
    """And does not count against what serves; its restarts are none of its successor's."""
    (up.directory / "mysite" / "held").touch()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(_status_of, up.port, "/held/")
        try:
            wait_for(lambda: _program(_status(up), "wsgi-1")["connections"] == 1, within_s=WITHIN_S)
            done = tandem(up.directory, "reload")
            assert done.returncode == 0, done.stderr

            # The drain begins with a request to the old socket.
            status = wait_for(lambda: _drains_one(_status(up)), within_s=WITHIN_S)
            shown = tandem(up.directory, "status")
        finally:
            (up.directory / "mysite" / "held").unlink()
        assert answer.result(WITHIN_S) == 200

    assert (status["generation"], status["is_ready"], shown.returncode) == (2, True, 0)
    assert status["generation_age_s"] < _program(status, "valkey")["uptime_s"]
    old = _program(status, "wsgi-1")
    assert (old["duty"], old["state"], old["stack"]) == ("draining", "draining", "wsgi")
    assert old["restarts"] == 1
    assert 0 < old["left_s"] <= DRAIN_S
    assert _program(status, "wsgi-2")["restarts"] == 0
    assert "Generation 1 drains for at most " in shown.stdout
    assert " s: wsgi-1 has 1 open." in shown.stdout
    # Long before its time is over.
    wait_for(lambda: "wsgi-1" not in _duties(_status(up)), within_s=20)


def test_a_reload_in_progress_is_shown_and_what_it_leaves_behind(up) -> None:
    """The live generation is ready in the meantime; what a killed reload started soon stops."""
    live = _status(up)["generation"]
    server = f"wsgi-{live + 1}"
    slow = up.directory / "mysite" / "slow"
    slow.touch()
    reloading = started(up.directory, "reload")
    try:

        def candidate() -> dict[str, Any] | None:
            status = _status(up)
            return status if _duties(status).get(server) == "candidate" else None

        status = wait_for(candidate, within_s=WITHIN_S)
        assert (status["reload_pid"], status["generation"]) == (reloading.pid, live)
        assert status["is_ready"]
        assert _program(status, server)["state"] in ("starting", "silent")
    finally:
        reloading.kill()
        reloading.wait()
        slow.unlink()

    status = _status(up)
    assert status["reload_pid"] is None
    assert _duties(status).get(server) in ("abandoned", None)
    wait_for(lambda: server not in _duties(_status(up)), within_s=WITHIN_S)


# Control sequences of a terminal (ECMA-48), and the return to the first column.
ANSI = r"\x1b\[[0-9;?]*[A-Za-z]|\r"


@contextmanager
def _watching(directory: Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "django_tandem", "status", "--watch"],
        cwd=directory,
        env=clean_environment(),
        **options,
    ) as watching:
        try:
            yield watching
        finally:
            if watching.poll() is None:
                watching.kill()


@pytest.mark.parametrize("target", ["nginx", "supervisor"])
def test_a_check_of_the_rendered_files_passes_while_they_serve(up, target) -> None:
    """Though it was started with --bind, and reloaded: they are those of the live generation."""
    done = tandem(up.directory, "render", target, "--check")

    assert (done.returncode, done.stdout) == (0, "")


def test_a_terminal_is_drawn_in_place_until_ctrl_c(up) -> None:
    """Each second, with the CPU of the last one, and no line that wraps."""
    ours, theirs = pty.openpty()
    read = _reader(ours)
    with _watching(up.directory, stdin=theirs, stdout=theirs, stderr=theirs) as watching:
        os.close(theirs)
        drawn = wait_for(lambda: (text := read()).count("CPU (NOW)") >= 2 and text, within_s=20)
        watching.send_signal(signal.SIGINT)

        assert watching.wait(10) == 0
    assert drawn.count("\x1b[1A") > 3
    lines = re.sub(ANSI, "\n", drawn).splitlines()
    served = _served(up)
    assert sum(line.startswith(served) for line in lines) >= 3
    # A terminal without a size is taken for 80 columns.
    assert max(map(len, lines)) <= 80


def _served(up: Up) -> str:
    return f"Generation {_status(up)['generation']} has served {up.url}/ for "


def _reader(descriptor: int) -> Callable[[], str]:
    os.set_blocking(descriptor, False)
    read = bytearray()

    def so_far() -> str:
        try:
            while data := os.read(descriptor, 65536):
                read.extend(data)
        except OSError:
            pass
        return read.decode()

    return so_far


def test_a_view_ends_with_the_stack(up) -> None:
    """It names the reason, with exit code 1. The file's last test: nothing runs after it."""
    served = _served(up)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with _watching(up.directory, **streams) as watching:
        assert watching.stdout.readline().startswith(served)
        assert up.stop() == 0

        _, output = watching.communicate(timeout=20)
        assert watching.returncode == 1
    # By when it asks: before the stop is marked, on the way down, or after.
    pid = up.process.pid
    sentences = (
        f"supervisord with pid {pid} does not answer in {up.run_dir}: it is starting, stopping or",
        f"The stack in {up.run_dir} is stopping.",
        f"Nothing runs in {up.run_dir}.",
    )
    assert any(sentence in output for sentence in sentences)
    assert tandem(up.directory, "status").returncode == 1
