"""Daphne as a program that answers what is in flight before it ends: Daphne cancels it."""

import asyncio
import sys
import time
from typing import Any

from daphne.cli import CommandLineInterface
from daphne.http_protocol import WebRequest
from daphne.server import Server
from twisted.internet.defer import Deferred
from twisted.web.http import HTTPChannel

# The edge lets 64 kB of headers in, four times Twisted's default.
HEADER_BYTES = 128 * 1024
POLL_S = 0.05
# How long a cancelled application may take to notice.
CANCEL_S = 1


class Program(Server):  # type: ignore[misc]
    """A server that, once told to stop, answers what it has accepted and no more."""

    def run(self) -> None:
        """Serve until told to stop."""
        self.ports: list[Any] = []
        super().run()

    def listen_success(self, port: Any) -> None:
        """Note the port, to close it when the time comes."""
        self.ports.append(port)
        super().listen_success(port)

    def kill_all_applications(self) -> Deferred[None]:
        """Have the reactor wait until all is finished, as Daphne asks before it shuts down."""
        return Deferred.fromFuture(asyncio.ensure_future(self.finish()))

    async def finish(self) -> None:
        """Wait for the requests in flight, as long as an application may take to close."""
        deadline = time.monotonic() + self.application_close_timeout
        # One turn of the reactor, in which it accepts the connections that wait.
        await asyncio.sleep(POLL_S)
        for port in self.ports:
            port.stopListening()
        while self.is_answering() and time.monotonic() < deadline:
            await asyncio.sleep(POLL_S)
        await cancel(
            details["application_instance"]
            for details in self.connections.values()
            if "application_instance" in details
        )

    def is_answering(self) -> bool:
        """Return whether a request is not answered yet; WebSockets do not count."""
        return any(
            isinstance(protocol, WebRequest) and "disconnected" not in details
            for protocol, details in self.connections.items()
        )


async def cancel(applications: Any) -> None:
    """Cancel the applications and wait for them, but not for long."""
    running = [application for application in applications if not application.done()]
    for application in running:
        application.cancel()
    if running:
        await asyncio.wait(running, timeout=CANCEL_S)


class CommandLine(CommandLineInterface):  # type: ignore[misc]
    """Daphne's own command line, for the program above."""

    server_class = Program


if __name__ == "__main__":
    HTTPChannel.totalHeadersSize = HEADER_BYTES
    CommandLine().run(sys.argv[1:])
