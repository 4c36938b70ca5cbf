"""One master imports the project once, and its workers of both kinds serve."""

import json
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from harness.client import wait_for
from harness.master import serving, starting, wait_for_workers


@pytest.fixture(scope="module")
def master(run_dir):
    with serving(run_dir, wsgi=3, asgi=2, wsgi_niceness=5) as running:
        yield running


def answers(master, stack):
    """Return what the processes of a stack answer to a burst of requests."""
    with ThreadPoolExecutor(12) as pool:
        return [json.loads(each.body) for each in pool.map(lambda _: master.ask(stack), range(24))]


def test_the_project_is_imported_once(master) -> None:
    """By the master, whose workers share it."""
    assert master.imports == [str(master.process.pid)]


def test_each_kind_has_its_number_of_workers(master) -> None:
    """The kernel's name of each process names its kind."""
    assert len(wait_for_workers(master, "wsgi", 3)) == 3
    assert len(wait_for_workers(master, "asgi", 2)) == 2


@pytest.mark.parametrize("stack", ["wsgi", "asgi"])
def test_each_socket_leads_to_workers_of_its_kind(master, stack) -> None:
    """Both serve the whole URLconf."""
    assert {each["pid"] for each in answers(master, stack)} <= master.workers(stack)


def test_wsgi_workers_alone_have_a_lower_priority(master) -> None:
    """An overload of WSGI leaves the CPU to ASGI."""
    assert {each["nice"] for each in answers(master, "wsgi")} == {5}
    assert {each["nice"] for each in answers(master, "asgi")} == {0}


def test_workers_draw_their_own_random_numbers(master) -> None:
    """A fork copies the state of the generator."""
    first = {each["pid"]: each["random"] for each in answers(master, "wsgi")}

    assert len(set(first.values())) == len(first)


def test_a_worker_holds_the_sockets_of_its_kind_alone(master) -> None:
    """A WSGI worker that is slow to end must not keep the socket of ASGI open."""
    other = {"wsgi": "asgi", "asgi": "wsgi"}

    for own, foreign in other.items():
        for pid in master.workers(own):
            opened = {each.laddr for each in psutil.Process(pid).net_connections("unix")}
            assert str(master.socket(own)) in opened
            assert str(master.socket(foreign)) not in opened


def test_signals_that_break_the_plan_are_ignored(master) -> None:
    """With a line that names what does it instead."""
    before = master.workers("wsgi") | master.workers("asgi")
    for signal_ in ("HUP", "USR2", "TTIN", "TTOU"):
        subprocess.run(["kill", f"-{signal_}", str(master.process.pid)], check=True)

    log = wait_for(lambda: "SIGTTOU" in master.log() and master.log())
    assert "SIGHUP is ignored: `tandem reload` starts a new generation." in log
    assert (
        'SIGTTIN is ignored: TANDEM["WSGI"]["WORKERS"] and TANDEM["ASGI"]["WORKERS"] set the '
        "number of workers."
    ) in log
    assert master.workers("wsgi") | master.workers("asgi") == before


def test_a_start_logs_nothing(directory) -> None:
    """No line for each worker that boots."""
    with serving(directory) as master:
        assert master.log() + master.log("wsgi") + master.log("asgi") == ""
        assert master.stop() == 0
    assert not master.socket("wsgi").exists()
    assert not master.socket("asgi").exists()


HOOKS = """
import sys


def post_fork(server, worker):
    # One write a line: print() makes two, and workers share the file.
    sys.stdout.write(f"hook of {worker.kind.name}\\n")


def post_worker_init(worker):
    application = worker.wsgi

    def middleware(environ, start_response):
        def start(status, headers, *error):
            return start_response(status, [*headers, ("X-Hook", "ran")], *error)

        return application(environ, start)

    worker.wsgi = middleware
"""


@pytest.fixture(scope="module")
def hooked():
    """A master with the project's hooks of Gunicorn."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        file = Path(path, "own.py")
        file.write_text(HOOKS)
        with serving(Path(path), wsgi_args=(f"--config={file}",)) as running:
            yield running


def test_each_kind_logs_to_its_own_file(hooked) -> None:
    """Also what the project's hooks of Gunicorn print once a worker is forked."""
    wait_for_workers(hooked, "asgi", 2)
    assert hooked.log("wsgi") == "hook of wsgi\n" * 2
    assert hooked.log("asgi") == "hook of asgi\n" * 2
    assert hooked.log() == ""


def test_a_hook_wraps_the_wsgi_application_alone(hooked) -> None:
    """Workers of the other kinds run it too, and what they serve does not change."""
    assert hooked.ask("wsgi").headers["X-Hook"] == "ran"
    assert hooked.ask("asgi").status == 200
    assert hooked.ask("asgi").headers["X-Hook"] is None


def test_the_arguments_of_both_servers_hold(directory) -> None:
    """As each server's own command line reads them."""
    wsgi_args, asgi_args = ("--worker-class=gthread", "--threads=3"), ("--header=X-Own: asgi",)

    with serving(directory, wsgi=1, wsgi_args=wsgi_args, asgi_args=asgi_args) as master:
        with ThreadPoolExecutor(3) as pool:
            since = time.monotonic()
            slow = list(pool.map(lambda _: master.ask("wsgi", "/slow?s=1").status, range(3)))
        assert slow == [200] * 3
        assert time.monotonic() - since < 2.5
        assert master.ask("asgi").headers["X-Own"] == "asgi"
        assert "Server" not in master.ask("asgi").headers


def test_an_argument_that_uvicorn_does_not_know_is_named(directory) -> None:
    """As Uvicorn's own command names it."""
    with starting(directory, asgi_args=("--no-such-option",)) as master:
        assert master.process.wait(30) == 2
        assert "No such option '--no-such-option'." in master.log()
        assert "Traceback" not in master.log()


def test_a_project_that_fails_to_load_is_recorded(directory) -> None:
    """As the failure of the program that the plan names."""
    with starting(directory, environment={"LEFTOVER": "missing"}) as master:
        assert master.process.wait(30) != 0

    failure = (directory / "master-1.failed").read_text()
    assert "No module named 'mastersite.leftovers.missing'" in failure


def test_processes_do_not_share_the_channels_of_a_layer(directory, redis) -> None:
    """The layer was made before the fork, and each process receives what has its prefix."""
    prefixes = set()
    with serving(directory, environment=redis, asgi=3) as master:
        workers = wait_for_workers(master, "asgi", 3)
        for pid in workers:
            # One that runs may accept every connection.
            for other in workers - {pid}:
                psutil.Process(other).suspend()
            prefixes.add(master.ask("asgi", "/channel").body.partition(b"!")[0])
            for other in workers - {pid}:
                psutil.Process(other).resume()

    assert len(prefixes) == 3


@dataclass(frozen=True)
class Ended:
    """The pids of a master that was stopped and of its workers, and what they left behind."""

    pid: int
    workers: dict[str, int]
    exits: set[str]
    torn: str


@pytest.fixture(scope="module")
def ended() -> Ended:
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        environment = {"LEFTOVER": "exit_handler"}
        # A fork of the tests has no teardown that the master could skip.
        with serving(Path(path), wsgi=1, asgi=1, environment=environment, may_fork=False) as master:
            (wsgi,), (asgi,) = master.workers("wsgi"), master.workers("asgi")
            assert master.stop() == 0
        return Ended(
            pid=master.process.pid,
            workers={"wsgi": wsgi, "asgi": asgi},
            exits=set(Path(path, "exits").read_text().splitlines()),
            torn=Path(path, "torn").read_text(),
        )


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_what_is_registered_for_the_exit_runs_in_a_worker_and_in_the_master(ended, kind) -> None:
    """By the project at its import, and by the worker; only their memory is not torn down."""
    assert {f"{ended.workers[kind]} exits", f"{ended.pid} exits"} <= ended.exits
    assert ended.torn == ""
