"""A WebSocket that is closed in good manners, whatever the server and the consumer do."""

import asyncio
import contextlib

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.inprocess.asgi.call import Call
from django_tandem.inprocess.asgi.watch import Watch

KEY = "tandem.drain"
# The code that tells a client to come again.
SAID = {"code": 1012, "reason": "Service restart"}
CLOSE = {"type": "websocket.close", **SAID}
DISCONNECT = {"type": "websocket.disconnect", **SAID}
# How long the consumer may take for its last event.
EVENT_S = 2.0
# How long a client that does not read may hold up its own goodbye.
STUCK_S = 2.0


class LastEvent:
    """What a consumer finds in ``scope["tandem.drain"]``, to ask for a last event by its type."""

    # A misspelt attribute is an error.
    __slots__ = ("event",)

    def __init__(self) -> None:
        self.event: str | None = None


class HeldSocket:
    """One WebSocket, held from when it is accepted until its consumer has returned."""

    kind = "websocket"

    def __init__(self, watch: Watch, receive: Receive, send: Send) -> None:
        self.is_ending = False
        self._watch = watch
        self._call = Call(receive)
        self._send = send
        self._sending = asyncio.Lock()
        self._last = LastEvent()
        # Either side has closed: nothing can be sent any more.
        self._is_over = False
        self._is_closed_by_us = False
        self._is_told = False

    async def run(self, application: Application, scope: Scope) -> None:
        """Run the consumer to its end."""
        inner = {**scope, KEY: self._last}
        try:
            await self._call.run(application(inner, self._receive, self._send_on))
        finally:
            self._watch.release(self)
            # Though it returned or failed at its last event, the client is told to come again.
            if self.is_ending:
                await self._close()
            self._is_over = True

    async def end(self, window_s: float) -> None:
        """Let the consumer speak if it asked to, close, and tell it."""
        if self._last.event and not self._is_over:
            heard = self._call.say({"type": self._last.event, "window_s": window_s})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), EVENT_S)
        await self._close()
        if self._is_closed_by_us and not self._is_told:
            self._call.deafen()
            self._call.say(DISCONNECT)

    def cancel(self) -> None:
        """Cancel a consumer that does not return."""
        self._call.cancel()

    async def _receive(self) -> Message:
        message = await self._call.receive()
        if message["type"] == "websocket.disconnect":
            self._is_over = self._is_told = True
        return message

    async def _send_on(self, message: Message) -> None:
        async with self._sending:
            if self._is_closed_by_us:
                return
            if message["type"] == "websocket.close":
                self._is_over = True
                try:
                    await self._send_close(message)
                finally:
                    self._call.listen()
                return
            await self._send(message)
            if message["type"] == "websocket.accept":
                self._watch.hold(self)

    async def _close(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STUCK_S), self._sending:
                if self._is_over:
                    return
                self._is_over = self._is_closed_by_us = True
                # The client may just have gone, which each server says in its own way.
                with contextlib.suppress(Exception):
                    await self._send_close(CLOSE)
        self._is_over = self._is_closed_by_us = True

    async def _send_close(self, message: Message) -> None:
        # Granian can't send it while it waits for what the client says.
        self._call.deafen()
        await self._send(message)
