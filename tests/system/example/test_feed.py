"""Bids reach a listener once and in order, even if the channel layer loses or repeats messages."""

import asyncio
from contextlib import aclosing

import pytest
from channels.layers import get_channel_layer
from django.test import override_settings
from lots import LosingLayer, abid_on, amake_lot, bid_on, layer, make_lot

from auctions import feed
from auctions.announcements import ALL_BIDS
from auctions.feed import BidFeed, live_bids
from auctions.serializers import BidSerializer


def _heard(order: list[int], amounts: int = 5) -> list[list[int]]:
    lot = make_lot()
    bids = [dict(BidSerializer(bid).data) for bid in bid_on(lot, *range(100, 100 + amounts))]

    async def scenario() -> list[list[int]]:
        listener = BidFeed({lot.pk: 0})
        batches = [await listener.take(bids[number - 1]) for number in order]
        return [[bid["sequence"] for bid in batch] for batch in batches]

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("heard", "sent"),
    [
        ([1, 2, 3], [[1], [2], [3]]),
        ([1, 1, 2, 1], [[1], [], [2], []]),
        ([2, 1, 3], [[1, 2], [], [3]]),
        ([4, 2, 5, 1, 3], [[1, 2, 3, 4], [], [5], [], []]),
        ([5], [[1, 2, 3, 4, 5]]),
    ],
    ids=["in order", "repeated", "swapped", "shuffled", "the others lost"],
)
def test_each_bid_is_sent_once_in_order(heard: list[int], sent: list[list[int]]) -> None:
    """Gaps are filled from the database before a bid is passed on; what was sent is dropped."""
    assert _heard(heard) == sent


def test_lots_are_counted_apart() -> None:
    """One listener follows many lots, each with its own sequence."""
    clock, desk = make_lot(), make_lot(title="Writing slope")
    bids = [*bid_on(clock, 100, 110), *bid_on(desk, 100)]

    async def scenario() -> list[int]:
        listener = BidFeed({})
        batches = [await listener.take(dict(BidSerializer(bid).data)) for bid in reversed(bids)]
        return [bid["id"] for batch in batches for bid in batch]

    assert asyncio.run(scenario()) == [bids[2].pk, bids[0].pk, bids[1].pk]


def test_bids_placed_while_the_listener_joined_come_first() -> None:
    """Nothing falls between reading how far the lots have come and joining the group."""
    lot = make_lot()
    bid_on(lot, 100, 110)

    async def scenario() -> list[int]:
        async with aclosing(live_bids(BidFeed({lot.pk: 1}), ALL_BIDS)) as live:
            return [bid["sequence"] for bid in await anext(live)]

    assert asyncio.run(scenario()) == [2]


def test_lost_message_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bid whose announcement is lost, with none after it, still arrives."""
    monkeypatch.setattr(feed, "CATCH_UP_S", 0.02)

    async def scenario() -> list[int]:
        lot = await amake_lot()
        async with aclosing(live_bids(BidFeed({}), ALL_BIDS)) as live:
            assert await anext(live) == []
            await abid_on(lot, 100, 110)
            async with asyncio.timeout(10):
                async for batch in live:
                    if batch:
                        return [bid["sequence"] for bid in batch]
        raise AssertionError("the feed ended")

    with override_settings(CHANNEL_LAYERS=layer(LosingLayer)):
        assert asyncio.run(scenario()) == [1, 2]


def test_listener_that_stops_leaves_the_group() -> None:
    """Closing the feed leaves nothing behind in the channel layer."""

    async def scenario() -> dict:
        async with aclosing(live_bids(BidFeed({}), ALL_BIDS)) as live:
            await anext(live)
        return get_channel_layer().groups

    assert asyncio.run(scenario()) == {}
