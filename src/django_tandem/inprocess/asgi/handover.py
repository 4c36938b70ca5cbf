"""Hands an ASGI request over to WSGI when its view belongs there."""

from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.inprocess.counts import Counts
from django_tandem.inprocess.forwarded import EDGE_HEADER
from django_tandem.inprocess.handover import (
    HANDED_HEADER,
    LOCATIONS,
    PASSAGE,
    REDIRECT_HEADER,
    Passage,
    location_of,
)
from django_tandem.model import Stack

HANDED = HANDED_HEADER.encode()
EDGE = EDGE_HEADER.encode()
REDIRECT = REDIRECT_HEADER.lower().encode()


class HandOver:
    """Lets a request leave for WSGI, and then passes nothing of what the project said."""

    def __init__(self, application: Application, counts: Counts | None) -> None:
        self.application = application
        self.counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            if scope["type"] == "lifespan" and self.counts is not None:
                # Some servers then end by a signal, which leaves nothing to be done at the exit.
                self.counts.write()
            return
        known = dict(scope["headers"])
        passage = Passage(may_leave=bool(known.get(EDGE)) and known.get(HANDED) != b"1")
        headers = [pair for pair in scope["headers"] if pair[0] != HANDED]
        left = False

        async def send_or_leave(message: Message) -> None:
            nonlocal left
            if left:
                return
            if message["type"] == "http.response.start" and passage.may_leave and leaves(message):
                left = True
                await redirect(send)
            else:
                await send(message)

        inner = {**scope, "headers": headers, PASSAGE: passage}
        await self.application(inner, receive, send_or_leave)
        if left and self.counts is not None:
            self.counts.add(passage.route, Stack.WSGI)


def leaves(start: Message) -> bool:
    """Return whether the response that starts hands over to WSGI."""
    known = {bytes(name).lower(): bytes(value) for name, value in start.get("headers", ())}
    return location_of(known.get(REDIRECT, b"").decode("latin-1")) is Stack.WSGI


async def redirect(send: Send) -> None:
    """Send the edge on."""
    headers = [(REDIRECT, LOCATIONS[Stack.WSGI].encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
