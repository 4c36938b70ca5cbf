"""Completes the ASGI lifespan for a project that does not implement it."""

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send


class Lifespan:
    """Passes the lifespan on, and completes it if the project never receives it."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.application(scope, receive, send)
            return
        has_received = False

        async def receive_noted() -> Message:
            nonlocal has_received
            has_received = True
            return await receive()

        try:
            await self.application(scope, receive_noted, send)
        except Exception:
            # After the first receive it is the project's own failure.
            if has_received:
                raise
        if not has_received:
            await _complete_lifespan(receive, send)


async def _complete_lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
