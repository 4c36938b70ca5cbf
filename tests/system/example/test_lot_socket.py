"""The WebSocket of a lot."""

import asyncio
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.test import override_settings
from lots import (
    LosingLayer,
    ReversingLayer,
    abid_on,
    amake_lot,
    bid_on,
    greeted,
    is_quiet,
    layer,
    make_lot,
    next_sequences,
    received,
    socket_of,
)

from auctions import feed, services
from auctions.services import close_lot


def test_socket_begins_with_the_lot_as_it_stands() -> None:
    """The first message is the lot and its last bids."""
    lot = make_lot()
    bid_on(lot, 100, 110)

    async def scenario() -> dict:
        socket = socket_of(lot.pk)
        greeting = await greeted(socket)
        await socket.disconnect()
        return greeting

    greeting = asyncio.run(scenario())

    assert greeting["type"] == "lot"
    assert greeting["lot"]["current_price"] == "110.00"
    assert [bid["sequence"] for bid in greeting["bids"]] == [1, 2]


def test_bids_follow_as_they_are_placed() -> None:
    """Each bid after the greeting is one message, and only that lot's bids are."""

    async def scenario() -> list[int]:
        lot, other = await amake_lot(), await amake_lot()
        socket = socket_of(lot.pk)
        await greeted(socket)
        await abid_on(other, 100, 110, 120)
        await abid_on(lot, 100, 110)
        sequences = await next_sequences(socket, 2)
        assert await is_quiet(socket)
        await socket.disconnect()
        return sequences

    assert asyncio.run(scenario()) == [1, 2]


def test_bids_announced_out_of_order_and_twice_arrive_once_in_order() -> None:
    """What the channel layer shuffles and repeats, the socket does not."""

    async def scenario() -> list[int]:
        lot = await amake_lot()
        socket = socket_of(lot.pk)
        await greeted(socket)
        await abid_on(lot, *range(100, 106))
        sequences = await next_sequences(socket, 6)
        assert await is_quiet(socket)
        await socket.disconnect()
        return sequences

    with override_settings(CHANNEL_LAYERS=layer(ReversingLayer)):
        assert asyncio.run(scenario()) == [1, 2, 3, 4, 5, 6]


def test_bids_whose_announcements_are_lost_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket looks into the database without a message when it hears nothing."""
    monkeypatch.setattr(feed, "CATCH_UP_S", 0.02)

    async def scenario() -> list[int]:
        lot = await amake_lot()
        socket = socket_of(lot.pk)
        await greeted(socket)
        await abid_on(lot, 100, 110, 120)
        sequences = await next_sequences(socket, 3)
        await socket.disconnect()
        return sequences

    with override_settings(CHANNEL_LAYERS=layer(LosingLayer)):
        assert asyncio.run(scenario()) == [1, 2, 3]


def test_client_that_was_cut_off_gets_what_it_missed() -> None:
    """?after=N resumes after bid N."""
    lot = make_lot()
    bid_on(lot, 100, 110, 120, 130)

    async def scenario() -> list[int]:
        socket = socket_of(lot.pk, "?after=2")
        await greeted(socket)
        sequences = await next_sequences(socket, 2)
        await socket.disconnect()
        return sequences

    assert asyncio.run(scenario()) == [3, 4]


@pytest.mark.parametrize("after", ["99", "-1", "x", "", "²", "9" * 5000])
def test_nonsense_to_resume_from_is_ignored(after: str) -> None:
    """A number that no bid has, or none at all, starts from now."""
    lot = make_lot()
    bid_on(lot, 100)

    async def scenario() -> list[int]:
        socket = socket_of(lot.pk, f"?after={after}")
        await greeted(socket)
        await abid_on(lot, 110)
        sequences = await next_sequences(socket, 1)
        await socket.disconnect()
        return sequences

    assert asyncio.run(scenario()) == [2]


def test_closed_comes_after_the_last_bid_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The winner is announced once, after every bid, even if all announcements are lost."""
    monkeypatch.setattr(feed, "CATCH_UP_S", 0.02)
    monkeypatch.setattr(services, "TIME_TO_ANSWER", timedelta(0))

    async def scenario() -> list[dict]:
        lot = await amake_lot(closes_in_s=1.5)
        socket = socket_of(lot.pk)
        await greeted(socket)
        await abid_on(lot, 100)
        async with asyncio.timeout(10):
            while not await database_sync_to_async(close_lot)(lot.pk):
                await asyncio.sleep(0.02)
        messages = [await received(socket, "bid"), await received(socket, "closed")]
        assert await is_quiet(socket)
        await socket.disconnect()
        return messages

    with override_settings(CHANNEL_LAYERS=layer(LosingLayer)):
        bid, closed = asyncio.run(scenario())

    assert closed["lot"]["best_bid"] == bid["bid"]


def test_watching_a_lot_gets_it_closed_on_time() -> None:
    """A socket asks the worker to close its lot at the moment the time is up."""

    async def scenario() -> dict:
        lot = await amake_lot(closes_in_s=0.2)
        socket = socket_of(lot.pk)
        await greeted(socket)
        async with asyncio.timeout(10):
            asked = await get_channel_layer().receive("lots")
        await socket.disconnect()
        return asked | {"expected": lot.pk}

    asked = asyncio.run(scenario())

    assert asked == {"type": "lot.close", "lot": asked["expected"], "expected": asked["lot"]}
