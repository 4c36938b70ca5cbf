"""The socket of a lot sends each user how it stands with them."""

import asyncio

from channels.testing import WebsocketCommunicator
from lots import abid_on, bid_on, greeted, make_lot, received, socket_of

from auctions.models import Lot


async def _standing(socket: WebsocketCommunicator) -> tuple[bool, bool]:
    bid = await received(socket, "bid")
    return bid["winning"], bid["outbid"]


def test_only_the_outbid_user_is_notified() -> None:
    """Ada bids, Grace bids more, then more again: Ada is outbid once, the others never."""
    lot = make_lot()
    sockets = [socket_of(lot.pk, user=user) for user in ("ada", "grace", None)]

    async def scenario() -> list[list[tuple[bool, bool]]]:
        for socket in sockets:
            assert (await greeted(socket))["winning"] is False
        await abid_on(lot, 100, bidder="ada")
        await abid_on(lot, 110, 120, bidder="grace")
        stood = [[await _standing(socket) for _ in range(3)] for socket in sockets]
        for socket in sockets:
            await socket.disconnect()
        return stood

    ada, grace, nobody = asyncio.run(scenario())

    assert ada == [(True, False), (False, True), (False, False)]
    assert grace == [(False, False), (True, False), (True, False)]
    assert nobody == [(False, False)] * 3


def test_a_bidder_who_raises_their_own_bid_is_not_outbid() -> None:
    """One does not outbid oneself."""
    lot = make_lot()
    bid_on(lot, 100)
    socket = socket_of(lot.pk, user="ada")

    async def scenario() -> list[tuple[bool, bool]]:
        assert (await greeted(socket))["winning"] is True
        await abid_on(lot, 110)
        stood = [await _standing(socket)]
        await socket.disconnect()
        return stood

    assert asyncio.run(scenario()) == [(True, False)]


def test_a_user_outbid_while_disconnected_is_notified_afterwards() -> None:
    """The bid before the first one missed says whose it replaced, however long ago it was."""
    lot = make_lot()
    bid_on(lot, 100)
    bid_on(lot, *range(110, 130), bidder="grace")
    socket = socket_of(lot.pk, "?after=1", user="ada")

    async def scenario() -> list[tuple[bool, bool]]:
        greeting = await greeted(socket)
        assert len(greeting["bids"]) == 10
        stood = [await _standing(socket) for _ in range(20)]
        await socket.disconnect()
        return stood

    assert asyncio.run(scenario()) == [(False, True), *[(False, False)] * 19]


def test_the_winner_is_notified() -> None:
    """The last message has whether it was the user."""
    lot = make_lot(closes_in_s=3600)
    bid_on(lot, 100)
    Lot.objects.update(status=Lot.Status.CLOSED)
    sockets = [socket_of(lot.pk, user=user) for user in ("ada", "grace")]

    async def scenario() -> list[bool]:
        greetings = [await greeted(socket) for socket in sockets]
        for socket in sockets:
            await socket.disconnect()
        return [greeting["winning"] for greeting in greetings]

    assert asyncio.run(scenario()) == [True, False]
