"""handler_project by Django's handler or by ours: behind a server, or called in its process."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django_tandem.bench.launch import free_address

PROJECT = Path(__file__).parent / "handler_project"
UVICORN = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A way to run the project; ``handler`` is stock or ours, ``postgres`` a socket's directory."""

    name: str
    handler: str
    postgres: str = ""
    pool: bool = False
    threads: int | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What the project reads, and what any of its processes needs."""
        own = {
            "DJANGO_SETTINGS_MODULE": "settings",
            "BENCH_HANDLER": self.handler,
            "BENCH_NAME": self.name,
            "BENCH_POSTGRES": self.postgres,
            "BENCH_POOL": "1" if self.pool else "",
        }
        return os.environ | own | ({"BENCH_THREADS": str(self.threads)} if self.threads else {})


@contextmanager
def served(variant: Variant, *, workers: int = 1) -> Iterator[str]:
    """Run it under Uvicorn, with so many processes, and yield its URL."""
    port = int(free_address().rpartition(":")[2])
    argv = [sys.executable, "-m", "uvicorn", "asgi:application", *UVICORN]
    argv += ["--port", str(port), "--workers", str(workers)]
    with (
        tempfile.TemporaryFile("w+") as log,
        _started(argv, variant, stdout=log, stderr=log) as process,
    ):
        until = time.monotonic() + 30
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > until:
                log.seek(0)
                raise RuntimeError(f"{variant.name} did not start:\n{log.read()}")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def in_process(variant: Variant) -> Iterator[Callable[[float], float]]:
    """Run it in a process that calls it; yield a function from seconds to requests a second."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with _started([sys.executable, "in_process.py"], variant, **pipes) as process:

        def measure(seconds: float) -> float:
            print(seconds, file=process.stdin, flush=True)
            return float(process.stdout.readline())

        yield measure


def fill(postgres: str) -> None:
    """Make the tables and their rows."""
    variant = Variant(name="fill", handler="stock", postgres=postgres)
    argv = [sys.executable, "fill.py"]
    subprocess.run(argv, cwd=PROJECT, env=variant.environment, check=True)


@contextmanager
def _started(argv: list[str], variant: Variant, **to: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(argv, cwd=PROJECT, env=variant.environment, **to)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
