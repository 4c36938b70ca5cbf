"""The server of the probes, on a thread with an event loop, apart from supervisord's own loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine
from concurrent.futures import Future
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from django_tandem.runtime.probes import report
from django_tandem.runtime.probes.http_server import (
    HttpServer,
    Pages,
    Request,
    Response,
    json_response,
)
from django_tandem.runtime.probes.report import ProbeReport, StackHealth
from django_tandem.runtime.state import HEALTH_SOCKET

# At the end of supervisord nothing waits for it.
CLOSE_S = 0.5

Observe = Callable[[], Awaitable[StackHealth]]
# By path; a further page is one more entry.
PROBES = {"/livez": report.livez, "/readyz": report.readyz, "/startupz": report.startupz}
T = TypeVar("T")


class ProbeServer:
    """
    Serves the probes on a socket in the run directory, and on further addresses.

    A thread, since supervisord's loop must not wait for a client, and its own hang is to be
    reported.
    """

    def __init__(self, run_dir: Path, observe: Observe, print_line: Callable[[str], None]) -> None:
        self._socket = str(run_dir / HEALTH_SOCKET)
        self._print_line = print_line
        self._server = HttpServer(probe_pages(observe))
        self._thread = LoopThread("probes")

    def start(self, addresses: Collection[str]) -> None:
        """Start the thread, and listen."""
        self._thread.start()
        self.listen(addresses)

    def listen(self, addresses: Collection[str]) -> None:
        """Listen on ``addresses`` and on the socket in the run directory, and on no other."""
        self._thread.submit(self._listen((self._socket, *addresses)))

    def close(self) -> None:
        """Stop to answer."""
        self._thread.close(CLOSE_S)

    async def _listen(self, addresses: Collection[str]) -> None:
        for failure in await self._server.listen(addresses):
            self._print_line(f"probes: {failure}")


def probe_pages(observe: Observe) -> Pages:
    """Return the pages of the probes by their paths."""
    return {path: partial(_probe_page, observe, judge) for path, judge in PROBES.items()}


async def _probe_page(
    observe: Observe, judge: Callable[[StackHealth], ProbeReport], _: Request
) -> Response:
    found = judge(await observe())
    status = HTTPStatus.OK if found.passes else HTTPStatus.SERVICE_UNAVAILABLE
    return json_response(status, found.as_json())


class LoopThread:
    """An event loop in a separate thread, for callers that do not await."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine in the thread, and return the future of its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def close(self, within_s: float | None = None) -> None:
        """Cancel what still runs and end the thread; do not wait longer than ``within_s``."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(within_s)

    def _run(self) -> None:
        # At its end it cancels the tasks, and closes the loop.
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()
