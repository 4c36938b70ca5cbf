"""Answers the server's lifespan for a project that knows nothing of it."""

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send


class Lifespan:
    """Passes the lifespan on, and answers it when the project does not even listen."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.application(scope, receive, send)
            return
        heard = False

        async def receive_noted() -> Message:
            nonlocal heard
            heard = True
            return await receive()

        try:
            await self.application(scope, receive_noted, send)
        except Exception:
            # What fails once it has heard the startup is the project's own failure.
            if heard:
                raise
        if not heard:
            await answer(receive, send)


async def answer(receive: Receive, send: Send) -> None:
    """Say that startup and shutdown are complete."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
