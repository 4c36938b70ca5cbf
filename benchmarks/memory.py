"""What preloading saves: the memory of 4 Gunicorn workers, as tandem starts them and plain."""

import asyncio
import os
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

from django_tandem.model import Stack
from django_tandem.servers import Launch, find

WORKERS = 4


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
def running(argv: tuple[str, ...], directory: Path, socket: str) -> Iterator[psutil.Process]:
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


def pss_mb(server: psutil.Process) -> float:
    """Return the proportional set size of the server and its workers."""
    processes = [server, *server.children(recursive=True)]
    return sum(process.memory_full_info().pss for process in processes) / 2**20


def measure(argv: tuple[str, ...], directory: Path, socket: str) -> float:
    """Serve enough that each worker has been through the project's code, then weigh them."""
    with running(argv, directory, socket) as server:
        load = asyncio.run(
            drive("http://localhost/api/lots/", connections=8, seconds=4, socket=socket)
        )
        if load.failed or not load.answered:
            raise RuntimeError(f"{load.failed} requests failed, {load.answered} were answered")
        return pss_mb(server)


def main() -> int:
    """Print the one over the other."""
    with copied() as directory:
        shared = measure(
            as_tandem_does(str(directory / "a.sock")), directory, str(directory / "a.sock")
        )
        apart = measure(plain(str(directory / "b.sock")), directory, str(directory / "b.sock"))
    say(f"{WORKERS} workers: {shared:.0f} MB as tandem starts them, {apart:.0f} MB plain")
    return finish(
        "bench-memory",
        {"preloaded / plain": Ratio(value=shared / apart, at_most=0.65)},
        packages=("django", "gunicorn"),
        mb={"preloaded": round(shared, 1), "plain": round(apart, 1)},
    )


if __name__ == "__main__":
    run(main)
