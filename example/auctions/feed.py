"""Bids to listeners, each once and in order, over a channel layer that promises neither."""

import asyncio
from collections.abc import AsyncIterator

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from auctions import queries

# How long a listener goes without looking into the database. It finds there what the channel
# layer lost: a full channel drops messages, and no later one reveals that the last is missing.
CATCH_UP_S = 5.0


class BidFeed:
    """
    How far one listener has come in each lot, and so what to send it next.

    `reached` maps a lot's id to the sequence of the last bid the listener has
    had; a lot that is not in it starts from its first bid.
    """

    def __init__(self, reached: dict[int, int]) -> None:
        self._reached = dict(reached)

    async def take(self, bid: dict) -> list[dict]:
        """Return what to send now that this bid was heard of: nothing if the listener had it."""
        lot_id, sequence = bid["lot"], bid["sequence"]
        if sequence != self._reached.get(lot_id, 0) + 1:
            return await self.up_to(lot_id, sequence)
        self._reached[lot_id] = sequence
        return [bid]

    async def up_to(self, lot_id: int, sequence: int) -> list[dict]:
        """Return the lot's bids up to this one that the listener has not had."""
        reached = self._reached.get(lot_id, 0)
        if sequence <= reached:
            return []
        bids = await database_sync_to_async(queries.bids_between)(lot_id, reached, sequence)
        self._reached[lot_id] = sequence
        return bids


async def live_bids(
    feed: BidFeed, group: str, lot_id: int | None = None
) -> AsyncIterator[list[dict]]:
    """
    Yield a group's bids as they come, in lists to be sent in order.

    Yields at least every CATCH_UP_S seconds, an empty list when all is quiet.
    For listeners without a Channels consumer to receive for them.
    """
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(group, channel)
    heard = asyncio.ensure_future(layer.receive(channel))
    try:
        yield await _missed(feed, lot_id)
        while True:
            # Not wait_for: cancelling a receive every few seconds would put messages at risk.
            await asyncio.wait({heard}, timeout=CATCH_UP_S)
            if heard.done():
                event, heard = heard.result(), asyncio.ensure_future(layer.receive(channel))
                yield await feed.take(event["bid"])
            else:
                yield await _missed(feed, lot_id)
    finally:
        heard.cancel()
        await layer.group_discard(group, channel)


async def _missed(feed: BidFeed, lot_id: int | None) -> list[dict]:
    latest = await database_sync_to_async(queries.sequences)(lot_id)
    return [bid for lot, last in latest.items() for bid in await feed.up_to(lot, last)]
