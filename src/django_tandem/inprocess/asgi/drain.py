"""Ends the WebSockets and event streams of a generation that is replaced, on every server alike."""

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.inprocess.asgi.held_socket import HeldSocket
from django_tandem.inprocess.asgi.held_stream import HeldStream
from django_tandem.inprocess.asgi.watch import Watch


class Drain:
    """Holds what stays open, so that it can be ended; all else just finishes."""

    def __init__(self, application: Application, watch: Watch) -> None:
        self.application = application
        self.watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await HeldSocket(self.watch, receive, send).run(self.application, scope)
        elif scope["type"] == "http":
            await HeldStream(self.watch, receive, send).run(self.application, scope)
        else:
            await self.application(scope, self._last_of_all(receive), send)

    def _last_of_all(self, receive: Receive) -> Receive:
        # A server may shut down as soon as its connections are closed, and take no heed of
        # consumers that are still at their last steps.
        async def receive_late() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.watch.finish()
            return message

        return receive_late
