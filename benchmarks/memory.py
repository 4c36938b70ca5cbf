"""
What one master saves: the memory of all processes that import the project.

Three topologies in turn, idle and after the mixed load: tandem, tandem with a program for each
server, and stock Uvicorn with as many processes. And Gunicorn alone, preloaded and plain.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from example import copied, environment
from load import drive
from results import Ratio, finish, run, say
from side_by_side.bounds import FAILED_SHARE
from side_by_side.compared import EVERY, TANDEM, read_project
from side_by_side.loads import MIXED
from side_by_side.surroundings import surroundings

from django_tandem.bench.launch import RunningTopology, running
from django_tandem.bench.results import DriverResult
from django_tandem.bench.topology import Topology
from django_tandem.bench.workload import Job, decode_result, encode
from django_tandem.model import Stack, programs
from django_tandem.runtime import supervisord
from django_tandem.runtime.usage import usage_of
from django_tandem.servers import Launch, find

DRIVER = (sys.executable, "-m", "side_by_side.driver")
SEPARATE, UVICORN = "tandem-separate", "uvicorn"
IDLE_ROUNDS = 3
LOAD_S = 300
# Whose memory does not depend on the project.
LEFT_OUT = (programs.NGINX, programs.VALKEY)
WORKERS = 4


def pss_mb(root: psutil.Process, left_out: frozenset[int] = frozenset()) -> float:
    """Return the proportional set size of a process and all below it, without some pids."""
    family = [each for each in root.children(recursive=True) if _line(each).isdisjoint(left_out)]
    return sum(usage_of(each).pss_mb or 0 for each in (root, *family))


def _line(process: psutil.Process) -> set[int]:
    try:
        return {process.pid, *(each.pid for each in process.parents())}
    except psutil.Error:
        return {process.pid}


def stack_mb(stack: RunningTopology) -> float:
    """Return the memory of everything in the stack but NGINX and Valkey, supervisord included."""
    left_out = [each.pid for each in supervisord.statuses(stack.run_dir) if each.name in LEFT_OUT]
    return pss_mb(psutil.Process(stack.supervisord.pid), frozenset(left_out))


def idle(topology: Topology) -> float:
    """Start the topology and weigh it before its first request."""
    with running(topology) as stack:
        found = stack_mb(stack)
        say(f"{topology.title}, idle: {found:.0f} MB ({stack.what})")
    return found


def loaded(topology: Topology, seconds: float) -> float:
    """Start the topology and weigh it after the mixed load."""
    with running(topology) as stack:
        done = drive_mixed(Job(url=stack.url, workload=MIXED, seconds=seconds))
        if done.failed > FAILED_SHARE * done.answered:
            raise RuntimeError(f"{done.failed} requests failed, {done.answered} were answered")
        found = stack_mb(stack)
        say(f"{topology.title}, after {done.answered} requests: {found:.0f} MB")
    return found


def drive_mixed(job: Job) -> DriverResult:
    """Run the load generator on the job, in a separate process."""
    done = subprocess.run(DRIVER, input=encode(job), stdout=subprocess.PIPE, text=True, check=True)
    return decode_result(done.stdout.splitlines()[-1])


def gunicorn_alone() -> tuple[float, float]:
    """Return the memory of 4 workers as tandem starts them, and plain."""
    with copied() as directory:
        first, second = str(directory / "a.sock"), str(directory / "b.sock")
        return (
            served_mb(as_tandem_does(first), directory, first),
            served_mb(plain(second), directory, second),
        )


def as_tandem_does(socket: str) -> tuple[str, ...]:
    """Return the command line of tandem's own Gunicorn."""
    return find(Stack.WSGI, "gunicorn").argv(
        Launch(
            python=sys.executable,
            application="django_tandem.inprocess.wsgi_application:application",
            socket=socket,
            workers=WORKERS,
            timeout_s=30,
            grace_s=8,
        )
    )


def plain(socket: str) -> tuple[str, ...]:
    """Return the command line of one that loads the project in each worker."""
    bind = (f"--bind=unix:{socket}", f"--workers={WORKERS}", "--no-control-socket")
    return (sys.executable, "-m", "gunicorn", *bind, "config.wsgi:application")


@contextmanager
def serving(argv: tuple[str, ...], directory: Path, socket: str) -> Iterator[psutil.Process]:
    """Start a server, wait for its socket, and stop it at the end."""
    extra = {"TANDEM_WSGI_APPLICATION": "config.wsgi.application"}
    with (directory / "server.log").open("w") as log:
        server = subprocess.Popen(
            argv, cwd=directory, env=environment() | extra, stdout=log, stderr=log
        )
    try:
        until = time.monotonic() + 30
        while not os.path.exists(socket):  # noqa: PTH110
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError((directory / "server.log").read_text())
            time.sleep(0.05)
        yield psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(timeout=30)


def served_mb(argv: tuple[str, ...], directory: Path, socket: str) -> float:
    """Serve enough that each worker has been through the project's code, then weigh them."""
    with serving(argv, directory, socket) as server:
        load = asyncio.run(
            drive("http://localhost/api/lots/", connections=8, seconds=4, socket=socket)
        )
        if load.failed or not load.answered:
            raise RuntimeError(f"{load.failed} requests failed, {load.answered} were answered")
        return pss_mb(server)


def main() -> int:
    """Print each ratio with its bound."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", type=float, default=LOAD_S, help="seconds of the mixed load")
    seconds = parser.parse_args().load
    preloaded, unshared = gunicorn_alone()
    with surroundings():
        made = read_project()
        topologies = {each.name: each.topology(made) for each in EVERY}
        compared = (TANDEM, SEPARATE, UVICORN)
        rounds = [
            {name: idle(topologies[name]) for name in compared[:: 1 if number % 2 else -1]}
            for number in range(IDLE_ROUNDS)
        ]
        before = {name: statistics.median(each[name] for each in rounds) for name in compared}
        after = {name: loaded(topologies[name], seconds) for name in compared}
    return finish(
        "bench-memory",
        {
            "idle: separate / tandem": Ratio(value=before[SEPARATE] / before[TANDEM], at_least=1.8),
            "after the mixed load: separate / tandem": Ratio(
                value=after[SEPARATE] / after[TANDEM], at_least=1.4
            ),
            "after the mixed load: stock Uvicorn / tandem": Ratio(
                value=after[UVICORN] / after[TANDEM], at_least=2.2
            ),
            "Gunicorn: preloaded / plain": Ratio(value=preloaded / unshared, at_most=0.65),
        },
        packages=("django", "gunicorn", "uvicorn"),
        load_s=seconds,
        mb={"idle": before, "loaded": after, "gunicorn": [preloaded, unshared]},
    )


if __name__ == "__main__":
    run(main)
