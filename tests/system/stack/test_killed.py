"""A killed process is restarted and serves again, and a killed supervisord leaves nothing."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from faults.prober import Prober

from django_tandem.inprocess.worker_process import process_name
from django_tandem.model import Stack
from django_tandem.runtime import supervisord
from harness.client import ask, wait_for
from harness.projects import SMALL, channels_alone, without_apps
from harness.stack import Up, clean_environment, last_line, tandem

# `make faults` measures how soon; here it must hold on a machine with other work to do.
RECOVERY_S = 15
CALM_S = 0.5
# Ten requests are enough to see that; the CPUs are for what starts.
PROBER_PAUSE_S = 0.05
SYNC, ASYNC = "/announce/?text=x", "/async/"

ASYNC_VIEW = """

async def answer(request):
    return HttpResponse("async")


urlpatterns += [path("async/", answer)]
"""

# A program that ignores SIGTERM, as one that waits for a lock may.
IGNORES_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
)

PAIRS = [
    ("gunicorn", "uvicorn", 2),
    # Daphne and Waitress are one process each.
    ("uwsgi", "daphne", 1),
    # Granian panics where it finds a socket.
    ("granian", "hypercorn", 2),
    ("waitress", "granian", 2),
]


def make(
    directory: Path,
    pair: tuple[str, str, int],
    *,
    monitor: bool,
) -> Path:
    """A project with Channels, a view on either stack, and two workers of WSGI."""
    wsgi, asgi, workers = pair
    channels_alone(directory)
    with (directory / "mysite" / "urls.py").open("a") as urls:
        urls.write(ASYNC_VIEW)
    chosen = {
        "WSGI": {"SERVER": wsgi, "WORKERS": 2},
        "ASGI": {"SERVER": asgi, "WORKERS": workers},
        "MONITOR": monitor,
    }
    with (directory / "mysite" / "settings.py").open("a") as settings:
        settings.write(f"\nTANDEM = {chosen}\n")
    return directory


def with_program(directory: Path, name: str, code: str) -> Path:
    """A project on WSGI with a program of its own."""
    return without_apps(directory, **SMALL, PROGRAMS={name: [sys.executable, "-c", code]})


def pid(up: Up, program: str) -> int:
    with contextlib.suppress(OSError):
        return {each.name: each.pid for each in supervisord.statuses(up.run_dir)}[program]
    return 0


def is_alive(process: psutil.Process) -> bool:
    # One that has ended and is not yet collected, by whoever is process 1 here, is gone too.
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def children(pid: int) -> list[psutil.Process]:
    # What multiprocessing starts beside its workers serves nobody.
    living = [each for each in psutil.Process(pid).children() if is_alive(each)]
    return [each for each in living if "resource_tracker" not in command(each)]


def workers_of(up: Up, stack: str) -> list[psutil.Process]:
    """Return the workers of a stack, which may share their master with the other one's."""
    with contextlib.suppress(psutil.NoSuchProcess):
        found = children(pid(up, program_of(up, stack)))
        named = [each for each in found if each.name() == process_name(stack)]
        return named or found
    return []


def program_of(up: Up, stack: str) -> str:
    names = {each.name for each in supervisord.statuses(up.run_dir)}
    return "master-1" if "master-1" in names else f"{stack}-1"


def command(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def family(up: Up) -> list[psutil.Process]:
    return psutil.Process(up.process.pid).children(recursive=True)


def assert_is_back(up: Up, killed: psutil.Process, path: str) -> None:
    """Kill it, and wait until nothing fails any more."""
    with Prober(up.port, path, PROBER_PAUSE_S) as prober:
        began = time.monotonic()
        killed.send_signal(signal.SIGKILL)
        wait_for(lambda: prober.is_well(began, CALM_S), within_s=RECOVERY_S)
    print(f"{killed.pid} on {path}: {prober.recovery_s(began):.2f} s")
    assert not is_alive(killed)


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: "-".join(pair[:2]))
def pair(request, tmp_path_factory) -> Iterator[Up]:
    directory = tmp_path_factory.mktemp("killed")
    # Once, for it is the same beside each pair.
    with Up(make(directory, request.param, monitor=request.param == PAIRS[0])) as up:
        yield up


@pytest.mark.parametrize(("stack", "path"), [("wsgi", SYNC), ("asgi", ASYNC)])
def test_a_killed_worker_is_replaced(pair, stack, path) -> None:
    """By the server itself; only Hypercorn exits, and is restarted."""
    program = program_of(pair, stack)
    master = pid(pair, program)
    workers = workers_of(pair, stack)
    if not workers:
        # It is one process, which is killed below.
        output = command(psutil.Process(master))
        assert any(server in output for server in ("daphne", "waitress"))
        return
    gives_up = "hypercorn" in command(psutil.Process(master))

    assert_is_back(pair, workers[0], path)

    wait_for(lambda: len(workers_of(pair, stack)) == len(workers), within_s=RECOVERY_S)
    assert (pid(pair, program) == master) is not gives_up


@pytest.mark.parametrize(
    ("name", "path"),
    [("wsgi", SYNC), ("asgi", ASYNC), ("nginx", SYNC), ("valkey", SYNC)],
)
def test_a_killed_program_is_restarted(pair, name, path) -> None:
    """None of its processes is left, even if it was killed right after its start."""
    program = program_of(pair, name) if name in set(Stack) else name
    for _ in range(2):
        killed = psutil.Process(pid(pair, program))
        workers = killed.children(recursive=True)

        assert_is_back(pair, killed, path)

        wait_for(lambda workers=workers: not any(map(is_alive, workers)))
        assert pid(pair, program) not in (0, killed.pid)


def test_a_killed_worker_of_the_edge_is_replaced(pair) -> None:
    """At once, by its master."""
    assert_is_back(pair, children(pid(pair, "nginx"))[0], SYNC)


def test_nothing_outlives_a_killed_supervisord(pair) -> None:
    """The kernel signals each program, and each stops its own workers. The pair's last test."""
    everybody = family(pair)
    wait_for(lambda: ask(pair.port, SYNC).status == 200)

    pair.process.kill()
    pair.process.wait()

    def left() -> list[str]:
        return [command(each) for each in everybody if is_alive(each)]

    with contextlib.suppress(AssertionError):
        wait_for(lambda: not left(), within_s=12)
    assert left() == []


def test_a_program_that_has_answered_is_never_given_up(tmp_path) -> None:
    """Its backing service is unavailable, and it exits again and again; the site keeps serving."""
    (tmp_path / "there").touch()
    program = "import os, time; time.sleep(600 if os.path.exists('there') else 0)"
    with Up(with_program(tmp_path, "poller", program)) as up:
        wait_for(lambda: state(up, "poller-1") == "RUNNING")
        (tmp_path / "there").unlink()
        os.kill(pid(up, "poller-1"), signal.SIGKILL)
        for _ in range(5):
            up.wait_for("poller-1 failed to start")

        assert ask(up.port, "/").status == 200
        (tmp_path / "there").touch()
        wait_for(lambda: state(up, "poller-1") == "RUNNING", within_s=20)


def state(up: Up, program: str) -> str:
    return {each.name: each.state for each in supervisord.statuses(up.run_dir)}[program]


def test_up_ends_what_a_killed_supervisord_left(tmp_path) -> None:
    """Even a process that ignores SIGTERM and holds the port; then it starts."""
    with left_behind(tmp_path) as (up, orphan), Up(tmp_path, port=up.port) as again:
        assert not is_alive(orphan)
        assert "supervisord that was killed: deaf-1" in again.output
        assert ask(again.port, "/").status == 200


def test_down_ends_what_a_killed_supervisord_left(tmp_path) -> None:
    """It names the processes; the next `tandem down` finds nothing."""
    with left_behind(tmp_path) as (up, orphan):
        done = tandem(tmp_path, "down")

        assert not is_alive(orphan)
        assert done.returncode == 0, done.stderr
        assert done.stderr == (
            f"Ending the processes of a supervisord that was killed: deaf-1 ({orphan.pid}).\n"
            "Stopped.\n"
        )
        assert tandem(tmp_path, "down").stderr.startswith(f"Nothing runs in {up.run_dir}.")


def test_plain_supervisord_ends_what_another_left(tmp_path) -> None:
    """Without `tandem up` too."""
    with left_behind(tmp_path) as (_, orphan):
        argv = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c"]
        plain = subprocess.Popen(
            [*argv, ".tandem/supervisord.conf"],
            cwd=tmp_path,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
        )
        try:
            assert wait_for(lambda: not is_alive(orphan), within_s=20)
        finally:
            plain.terminate()
            plain.wait(timeout=30)


def test_down_continues_a_stopped_supervisord(tmp_path) -> None:
    """As Ctrl-Z or a debugger leaves it: it stops as ever, and nothing is left running."""
    with Up(channels_alone(tmp_path, **SMALL)) as up:
        everybody = family(up)
        up.process.send_signal(signal.SIGSTOP)

        done = tandem(tmp_path, "down")

        assert up.wait(10) == 0
        assert (done.returncode, last_line(done)) == (0, "Stopped.")
        assert not any(map(is_alive, everybody))
        assert list(up.run_dir.glob("*.sock")) == []


@contextlib.contextmanager
def left_behind(directory: Path) -> Iterator[tuple[Up, psutil.Process]]:
    """A stack whose supervisord was killed, and a program of it that still runs."""
    with Up(with_program(directory, "deaf", IGNORES_SIGTERM)) as up:
        orphan = psutil.Process(pid(up, "deaf-1"))
        others = [each for each in family(up) if each != orphan]
        up.process.kill()
        up.process.wait()
        try:
            wait_for(lambda: not any(map(is_alive, others)), within_s=12)
            assert is_alive(orphan)
            yield up, orphan
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.kill()
