"""One ASGI server on a Unix socket, as the plan starts it, and what it says and leaves."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from django_tandem import servers
from django_tandem.inprocess import drain_window
from django_tandem.model import Stack
from harness import forking

TESTS = Path(__file__).resolve().parent.parent
GENERATION = 7
START_S = 30


@dataclass
class Served:
    """A server of the site, from when it answers until the end of the block."""

    server: str
    workers: int
    directory: Path
    grace_s: int = 8
    connections: str = ""

    @property
    def socket(self) -> str:
        return str(self.directory / "asgi.sock")

    @property
    def notes(self) -> list[str]:
        """What the project's code wrote down."""
        path = self.directory / "notes"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def log(self) -> str:
        return (self.directory / "output").read_text()

    def drain(self, window_s: float) -> None:
        drain_window.write(self.directory, GENERATION, window_s)

    def __enter__(self) -> Self:
        launch = servers.Launch(
            python=sys.executable,
            application="django_tandem.inprocess.asgi_application:application",
            socket=self.socket,
            workers=self.workers,
            timeout_s=30,
            grace_s=self.grace_s,
        )
        own = {
            "DJANGO_SETTINGS_MODULE": "drain.site.settings",
            "NOTES": str(self.directory / "notes"),
            "PYTHONUNBUFFERED": "1",
            "TANDEM_ASGI_APPLICATION": "drain.site.asgi.application",
            "TANDEM_CONNECTIONS": self.connections,
            "TANDEM_GENERATION": str(GENERATION),
            "TANDEM_RUN_DIR": str(self.directory),
        }
        argv = servers.find(Stack.ASGI, self.server).argv(launch)
        with (self.directory / "output").open("wb") as output:
            self.process = forking.in_session(argv, TESTS, os.environ | own, output)
        return self

    def __exit__(self, *_: object) -> None:
        # Its workers outlive a master that is killed.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    async def answers(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log
            try:
                _, writer = await asyncio.open_unix_connection(self.socket)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
        raise AssertionError(f"it did not start:\n{self.log}")

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def ends(self, within_s: float) -> float:
        """Wait for its end, and return how long that took."""
        since = time.monotonic()
        while self.process.poll() is None:
            assert time.monotonic() < since + within_s, f"it did not end:\n{self.log}"
            await asyncio.sleep(0.02)
        return time.monotonic() - since
