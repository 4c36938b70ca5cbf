"""Who gets into the WebSocket of a lot, and how they leave."""

import asyncio

import pytest
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from lots import abid_on, amake_lot, greeted, next_sequences, socket_of

from auctions.presence import house
from config.asgi import application


def test_unknown_lot_closes_with_4404() -> None:
    """The browser gets a code that says why, so the handshake is completed first."""

    async def scenario() -> dict:
        socket = socket_of(404)
        assert (await socket.connect(timeout=10))[0]
        closed = await socket.receive_output(timeout=10)
        await socket.disconnect()
        return closed

    closed = asyncio.run(scenario())

    assert (closed["type"], closed["code"]) == ("websocket.close", 4404)


def test_what_clients_say_is_ignored() -> None:
    """A client that sends rubbish keeps its socket."""

    async def scenario() -> list[int]:
        lot = await amake_lot()
        socket = socket_of(lot.pk)
        await greeted(socket)
        await socket.send_to(text_data="{not json")
        await socket.send_to(bytes_data=b"\xff")
        await abid_on(lot, 100)
        sequences = await next_sequences(socket, 1)
        await socket.disconnect()
        return sequences

    assert asyncio.run(scenario()) == [1]


@pytest.mark.parametrize("origin", [[], [(b"origin", b"http://elsewhere.example")]])
def test_foreign_pages_are_turned_away(origin: list) -> None:
    """Only pages of the house's own hosts may open the socket."""

    async def scenario() -> bool:
        lot = await amake_lot()
        path = f"/ws/lots/{lot.pk}/"
        socket = WebsocketCommunicator(application, path, headers=origin)
        connected, _ = await socket.connect(timeout=10)
        return connected

    assert asyncio.run(scenario()) is False


def test_socket_that_leaves_leaves_nothing_behind() -> None:
    """After a disconnect the lot's group is empty."""

    async def scenario() -> dict:
        lot = await amake_lot()
        socket = socket_of(lot.pk)
        await greeted(socket)
        await socket.disconnect()
        return get_channel_layer().groups

    assert asyncio.run(scenario()) == {}


def test_socket_that_breaks_leaves_nothing_behind() -> None:
    """Neither when sending raises, as some servers have it for a client that has gone."""

    async def gone_after_the_greeting(
        scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        async def send_or_break(message: dict) -> None:
            if '"type": "bid"' in message.get("text", ""):
                raise ConnectionResetError
            await send(message)

        await application(scope, receive, send_or_break)

    async def scenario() -> dict:
        lot = await amake_lot()
        socket = socket_of(lot.pk)
        socket.application = gone_after_the_greeting
        await greeted(socket)
        # The first may be what the socket finds in the database as it begins, and can do without.
        await abid_on(lot, 100)
        await abid_on(lot, 110)
        # A receive would wait for its whole timeout before it looks at the application.
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(socket.future, 10)
        assert house().watching(lot.pk) == 0
        return get_channel_layer().groups

    assert asyncio.run(scenario()) == {}
