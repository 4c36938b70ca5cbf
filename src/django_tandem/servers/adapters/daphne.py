"""Daphne as a program that answers what is in flight before it ends: Daphne cancels it."""

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
        """Wait for what is in flight, as long as an application may take to close."""
        deadline = time.monotonic() + self.application_close_timeout
        # One turn of the reactor, in which it accepts the connections that wait.
        await asyncio.sleep(POLL_S)
        for port in self.ports:
            port.stopListening()
        while self.is_busy() and time.monotonic() < deadline:
            await asyncio.sleep(POLL_S)
        await cancel(
            details["application_instance"]
            for details in self.connections.values()
            if "application_instance" in details
        )

    def is_busy(self) -> bool:
        """Return whether a request is unanswered, or a consumer at its last steps."""
        return any(is_busy(protocol, details) for protocol, details in self.connections.items())


class CodedWebSocket(WebSocketProtocol):  # type: ignore[misc]
    """A WebSocket that is closed with the code and the reason that the application says."""

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Close by a frame of our own: the library takes no code of the protocol's but 1000."""
        if message["type"] != "websocket.close" or self.state == self.STATE_CONNECTING:
            super().handle_reply(message)
            return
        reason = (message.get("reason") or "").encode()
        self.sendCloseFrame(code=message.get("code") or 1000, reasonUtf8=reason)


def is_busy(protocol: Any, details: dict[str, Any]) -> bool:
    """Return whether the connection is to be waited for; a WebSocket that is open is not."""
    if isinstance(protocol, WebRequest) and "disconnected" not in details:
        return True
    application = details.get("application_instance")
    is_running = application is not None and not application.done()
    return is_running and (
        isinstance(protocol, WebRequest) or protocol.state != protocol.STATE_OPEN
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
    WebSocketFactory.protocol = CodedWebSocket
    CommandLine().run(sys.argv[1:])
