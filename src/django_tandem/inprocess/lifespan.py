"""
The lifespan of a process that serves ASGI: what begins with its first scope, and what ends with it.

Some servers end by a signal once the lifespan is complete, which skips what is registered for the
exit: so all of that runs here, before the server has the last message.
"""

from collections.abc import Awaitable, Callable, Sequence

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send


class AsgiLifespan:
    """
    Calls ``begin`` with each scope, as some servers have no lifespan.

    A shutdown reaches the project after ``before_shutdown``, and each of ``at_end`` runs once the
    project has shut down.
    """

    def __init__(
        self,
        application: Application,
        *,
        begin: Callable[[], None] | None = None,
        before_shutdown: Callable[[], Awaitable[None]] | None = None,
        at_end: Sequence[Callable[[], None]] = (),
    ) -> None:
        self.application = application
        self._begin = begin
        self._before_shutdown = before_shutdown
        self._at_end = at_end

    # Not a coroutine function: its frame would last as long as a WebSocket.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if self._begin is not None:
            self._begin()
        if scope["type"] == "lifespan":
            return self._live(scope, receive, send)
        return self.application(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        remaining: Sequence[Callable[[], None]] = ()

        def end() -> None:
            nonlocal remaining
            due, remaining = remaining, ()
            for each in due:
                each()

        async def receive_shutdown() -> Message:
            nonlocal remaining
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                if self._before_shutdown is not None:
                    await self._before_shutdown()
                remaining = self._at_end
            return message

        async def send_last(message: Message) -> None:
            end()
            await send(message)

        try:
            await self.application(scope, receive_shutdown, send_last)
        finally:
            end()
