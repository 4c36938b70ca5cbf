"""The reference project as it runs: Gunicorn, Daphne, a Channels worker, supervisord, NGINX."""

import asyncio
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from django_tandem.runtime import supervisord
from harness.client import Answer, ask
from harness.stack import Up

REFERENCE = Path(__file__).parent / "reference"


@dataclass(frozen=True)
class Stack:
    """The running stack, and the socket that its statistics are sent to."""

    up: Up
    statsd: socket.socket

    def ask(self, target: str, *args: Any) -> Answer:
        return ask(self.up.port, target, *args)

    def pids(self) -> dict[str, int]:
        return {each.name: each.pid for each in supervisord.statuses(self.up.run_dir)}

    def pid(self, program: str) -> int:
        return self.pids()[program]

    def command(self, program: str) -> list[str]:
        return psutil.Process(self.pid(program)).cmdline()

    def converse(self, path: str, *sent: str) -> list[str]:
        """Open a WebSocket, send each text, and return what came: one more, for the opening."""

        async def run() -> list[str]:
            async with (
                aiohttp.ClientSession(self.up.url) as session,
                session.ws_connect(path, headers={"Host": "shop.example"}) as ws,
            ):
                heard = [await ws.receive_str(timeout=10)]
                for text in sent:
                    await ws.send_str(text)
                    heard.append(await ws.receive_str(timeout=10))
                return heard

        return asyncio.run(run())


@contextmanager
def running_reference(directory: Path) -> Iterator[Stack]:
    """Run a copy of the reference project in ``directory``."""
    # Where its modules have been compiled, the copy has none of that.
    unused = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REFERENCE, directory, ignore=unused, dirs_exist_ok=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(10)
        port = statsd.getsockname()[1]
        arguments = f"--statsd-host=127.0.0.1:{port} --statsd-prefix=shop"
        environment = {"STATSD_ARGS": arguments, "PYTHONDONTWRITEBYTECODE": "1"}
        with Up(directory, environment=environment) as up:
            yield Stack(up, statsd)
