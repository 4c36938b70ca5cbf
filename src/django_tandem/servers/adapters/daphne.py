"""
Daphne with what it does not have: a graceful shutdown, backpressure, and responses to a handshake.

Daphne itself cancels the requests in flight, and keeps in memory what a client does not read.
"""

import asyncio
import sys
import time
from http.client import responses
from typing import Any

from daphne.cli import CommandLineInterface
from daphne.http_protocol import WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.defer import Deferred
from twisted.web.http import HTTPChannel

from django_tandem import fingerprints
from django_tandem.inprocess.denial import DENIAL

# The edge accepts 128 kB of headers in lines of 32 kB; Twisted's default is 16 kB for both.
HEADER_BYTES = 128 * 1024
POLL_S = 0.05
# Twisted pauses a producer at 64 kB. Whether it has resumed is polled: after 1 ms, then doubled.
PAUSED_S = (0.001, 0.5)
# How long a cancelled application may take to end.
CANCEL_S = 1

SHUTDOWN = (
    "daphne.server.Server.run",
    "daphne.server.Server.listen_success",
    "daphne.server.Server.kill_all_applications",
    "daphne.server.Server.create_application",
    "daphne.server.Server.handle_reply",
)
CLOSE = (
    "daphne.ws_protocol.WebSocketProtocol.handle_reply",
    "daphne.ws_protocol.WebSocketProtocol.serverReject",
)


class GracefulDaphne(Server):  # type: ignore[misc]
    """A server that at SIGTERM stops listening, and finishes the requests that it accepted."""

    def run(self) -> None:
        """Serve until SIGTERM."""
        self.ports: list[Any] = []
        super().run()

    def listen_success(self, port: Any) -> None:
        """Keep the port, to close it at the shutdown."""
        self.ports.append(port)
        super().listen_success(port)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Tell the application that a handshake may be answered by a response."""
        if isinstance(protocol, WebSocketWithCode):
            scope["extensions"] = {DENIAL: {}}
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Send the message, and have its sender wait while the client does not read."""
        await super().handle_reply(protocol, message)
        wait_s, longest_s = PAUSED_S
        while self._is_paused(protocol):
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, longest_s)

    def _is_paused(self, protocol: Any) -> bool:
        details = self.connections.get(protocol)
        if details is None or "disconnected" in details:
            return False
        return bool(getattr(protocol.transport, "producerPaused", False))

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
    """
    A WebSocket that is closed with the application's code and reason.

    Before its accept, the application may answer with a response of HTTP.
    """

    denial: dict[str, Any] | None = None
    denial_body = b""

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Send the close frame ourselves: of the protocol's own codes Autobahn allows only 1000."""
        kind = message["type"]
        if kind == f"{DENIAL}.start":
            self.denial = message
        elif kind == f"{DENIAL}.body":
            self.denial_body += message.get("body", b"")
            if not message.get("more_body"):
                self.serverReject()
        elif kind == "websocket.close" and self.state != self.STATE_CONNECTING:
            reason = (message.get("reason") or "").encode()
            self.sendCloseFrame(code=message.get("code") or 1000, reasonUtf8=reason)
        else:
            super().handle_reply(message)

    def sendHttpErrorResponse(  # noqa: N802 - Autobahn's name
        self,
        code: int,
        reason: str,
        responseHeaders: Any = None,  # noqa: N803 - Autobahn's name
    ) -> None:
        """Send the application's response to the handshake, if it has one."""
        if self.denial is None:
            super().sendHttpErrorResponse(code, reason, responseHeaders)
            return
        status = self.denial["status"]
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in self.denial.get("headers", ())
        ]
        phrase = responses.get(status, "")
        super().sendHttpErrorResponse(status, phrase, [*headers, ("Connection", "close")])
        self.sendData(self.denial_body)


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

    server_class = GracefulDaphne


def main(argv: list[str]) -> None:
    """Run Daphne with its own arguments."""
    HTTPChannel.totalHeadersSize = HTTPChannel.MAX_LENGTH = HEADER_BYTES
    if fingerprints.are_known(
        CLOSE, otherwise="WebSockets are closed without a code, and denied with 403."
    ):
        WebSocketFactory.protocol = WebSocketWithCode
    is_graceful = fingerprints.are_known(
        SHUTDOWN,
        otherwise="A reload and a stop cancel the requests in flight, and what a client does not "
        "read stays in memory.",
    )
    (GracefulCommandLine if is_graceful else CommandLineInterface)().run(argv)


if __name__ == "__main__":
    main(sys.argv[1:])
