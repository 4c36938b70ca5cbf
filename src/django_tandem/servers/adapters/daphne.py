"""Daphne with a graceful shutdown: Daphne itself cancels the requests in flight."""

import asyncio
import sys
import time
from typing import Any

from daphne.cli import CommandLineInterface
from daphne.http_protocol import WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.defer import Deferred
from twisted.web.http import HTTPChannel

from django_tandem import fingerprints

# The edge accepts 128 kB of headers in lines of 32 kB; Twisted's default is 16 kB for both.
HEADER_BYTES = 128 * 1024
POLL_S = 0.05
# How long a cancelled application may take to end.
CANCEL_S = 1

SHUTDOWN = (
    "daphne.server.Server.run",
    "daphne.server.Server.listen_success",
    "daphne.server.Server.kill_all_applications",
    "daphne.server.Server.create_application",
)
CLOSE = ("daphne.ws_protocol.WebSocketProtocol.handle_reply",)


class GracefulServer(Server):  # type: ignore[misc]
    """A server that at SIGTERM stops listening, and finishes the requests that it accepted."""

    def run(self) -> None:
        """Serve until SIGTERM."""
        self.ports: list[Any] = []
        super().run()

    def listen_success(self, port: Any) -> None:
        """Keep the port, to close it at the shutdown."""
        self.ports.append(port)
        super().listen_success(port)

    def kill_all_applications(self) -> Deferred[None]:
        """Have the reactor wait for the requests: Daphne calls this before it shuts down."""
        return Deferred.fromFuture(asyncio.ensure_future(self.finish()))

    async def finish(self) -> None:
        """Wait for the requests in flight, for as long as an application may take to close."""
        deadline = time.monotonic() + self.application_close_timeout
        # One iteration of the reactor, in which it accepts the queued connections.
        await asyncio.sleep(POLL_S)
        for port in self.ports:
            port.stopListening()
        while self.is_busy() and time.monotonic() < deadline:
            await asyncio.sleep(POLL_S)
        await _cancel(
            details["application_instance"]
            for details in self.connections.values()
            if "application_instance" in details
        )

    def is_busy(self) -> bool:
        """Return whether a request is unanswered, or a consumer is cleaning up."""
        return any(_is_busy(protocol, details) for protocol, details in self.connections.items())


class WebSocketWithCode(WebSocketProtocol):  # type: ignore[misc]
    """A WebSocket that is closed with the application's code and reason."""

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Send the close frame ourselves: of the protocol's own codes Autobahn allows only 1000."""
        if message["type"] != "websocket.close" or self.state == self.STATE_CONNECTING:
            super().handle_reply(message)
            return
        reason = (message.get("reason") or "").encode()
        self.sendCloseFrame(code=message.get("code") or 1000, reasonUtf8=reason)


def _is_busy(protocol: Any, details: dict[str, Any]) -> bool:
    # An open WebSocket is not waited for.
    if isinstance(protocol, WebRequest) and "disconnected" not in details:
        return True
    application = details.get("application_instance")
    is_running = application is not None and not application.done()
    return is_running and (
        isinstance(protocol, WebRequest) or protocol.state != protocol.STATE_OPEN
    )


async def _cancel(applications: Any) -> None:
    running = [application for application in applications if not application.done()]
    for application in running:
        application.cancel()
    if running:
        await asyncio.wait(running, timeout=CANCEL_S)


class GracefulCommandLine(CommandLineInterface):  # type: ignore[misc]
    """Daphne's own command line for the server above."""

    server_class = GracefulServer


def main(argv: list[str]) -> None:
    """Run Daphne with its own arguments."""
    HTTPChannel.totalHeadersSize = HTTPChannel.MAX_LENGTH = HEADER_BYTES
    if fingerprints.are_known(CLOSE, otherwise="WebSockets are closed without a code."):
        WebSocketFactory.protocol = WebSocketWithCode
    is_graceful = fingerprints.are_known(
        SHUTDOWN, otherwise="A reload and a stop cancel the requests in flight."
    )
    (GracefulCommandLine if is_graceful else CommandLineInterface)().run(argv)


if __name__ == "__main__":
    main(sys.argv[1:])
