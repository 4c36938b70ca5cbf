"""The server of the probes, on a thread beside supervisord's own loop."""

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from http import HTTPStatus
from pathlib import Path

from django_tandem.runtime.probes import report
from django_tandem.runtime.probes.http_server import (
    HttpServer,
    Pages,
    Request,
    Response,
    json_response,
)
from django_tandem.runtime.probes.loop_thread import LoopThread
from django_tandem.runtime.probes.report import ProbeReport, StackHealth
from django_tandem.runtime.state import HEALTH_SOCKET

# At the end of supervisord nothing waits for it.
CLOSE_S = 0.5

Observe = Callable[[], Awaitable[StackHealth]]
# By path; a further page is one more entry.
PROBES = {"/livez": report.livez, "/readyz": report.readyz, "/startupz": report.startupz}


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
