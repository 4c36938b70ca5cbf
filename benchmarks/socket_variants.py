"""One project of WebSockets, served by stock Uvicorn or by `tandem up`, on one of three layers."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

from django_tandem.bench.fanout_results import MeasureUsage, PartUsage
from django_tandem.bench.launch import free_address
from django_tandem.bench.resources import usage_of_parts
from django_tandem.runtime import lock
from django_tandem.runtime.usage import usage_of_family

PROJECT = Path(__file__).parent / "sockets_project"
START_S = 60
# Deliveries a core do not depend on their number, and memory a socket does not either.
ONE_WORKER = {"WSGI": {"WORKERS": 1}, "ASGI": {"WORKERS": 1}}
PLAIN, FRAME = "/ws/plain/", "/ws/frame/"


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketVariant:
    """One way to serve it: by tandem, or by Uvicorn; on a layer, or raw, without Channels."""

    name: str
    layer: str = "core"
    is_tandem: bool = False
    is_raw: bool = False
    path: str = PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running variant: its URL, and what its processes have used."""

    url: str
    use: MeasureUsage


CORE = SocketVariant(name="uvicorn, core")
PUBSUB = SocketVariant(name="uvicorn, pubsub", layer="pubsub")
RAW = SocketVariant(name="uvicorn, raw ASGI", is_raw=True)
TANDEM_CORE = SocketVariant(name="tandem, core", is_tandem=True)
TANDEM_PUBSUB = SocketVariant(name="tandem, pubsub", layer="pubsub", is_tandem=True)
OURS = SocketVariant(name="tandem, RedisLayer", layer="tandem", is_tandem=True)
FRAMES = SocketVariant(
    name="tandem, RedisLayer and broadcast", layer="tandem", is_tandem=True, path=FRAME
)
STOCK = (CORE, PUBSUB, RAW)
EVERY = (*STOCK, TANDEM_CORE, TANDEM_PUBSUB, OURS, FRAMES)


@contextmanager
def served(variant: SocketVariant, tandem: Mapping[str, object] = ONE_WORKER) -> Iterator[Served]:
    """Serve a copy of the project for the length of the block."""
    own = {"BENCH_LAYER": variant.layer, "DJANGO_SETTINGS_MODULE": "settings"}
    with tempfile.TemporaryDirectory(prefix="sockets-") as scratch:
        directory = Path(copytree(PROJECT, Path(scratch, "p")))
        address = free_address()
        if variant.is_tandem:
            settings = directory / "settings.py"
            settings.write_text(f"{settings.read_text()}\nTANDEM = {dict(tandem)!r}\n")
            argv = [sys.executable, "-m", "django_tandem", "up", "--bind", address]
        else:
            application = "raw:application" if variant.is_raw else "asgi:application"
            host, port = address.split(":")
            quiet = ("--no-access-log", "--log-level=warning")
            argv = [sys.executable, "-m", "uvicorn", f"--host={host}", f"--port={port}", *quiet]
            argv.append(application)
        log = directory / "server.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                argv, cwd=directory, env=os.environ | own, stdout=output, stderr=output
            )
        try:
            _wait(process, log, variant, address)
            yield Served(url=f"http://{address}", use=_usage(variant, process.pid, directory))
        finally:
            process.terminate()
            process.wait(timeout=60)


def _usage(variant: SocketVariant, pid: int, directory: Path) -> MeasureUsage:
    run_dir = directory / ".tandem"

    def of_stack() -> PartUsage:
        return usage_of_parts(lock.holder(run_dir) or pid, run_dir)

    def of_server() -> PartUsage:
        found = usage_of_family(pid)
        return PartUsage(servers_cpu_s=found.cpu_s, servers_mb=found.pss_mb)

    return of_stack if variant.is_tandem else of_server


def _wait(
    process: subprocess.Popen[bytes], log: Path, variant: SocketVariant, address: str
) -> None:
    is_up: Callable[[], bool] = (
        (lambda: "Ready: " in log.read_text()) if variant.is_tandem else lambda: _listens(address)
    )
    until = time.monotonic() + START_S
    while not is_up():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{variant.name} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)


def _listens(address: str) -> bool:
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
