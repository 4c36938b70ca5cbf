"""The GraphQL API on Strawberry: bids as they are placed."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal

import strawberry
from channels.db import database_sync_to_async

from auctions import queries
from auctions.announcements import ALL_BIDS, lot_group
from auctions.feed import BidFeed, live_bids

AT_MOST = 100


@strawberry.type
class LiveBid:
    id: strawberry.ID
    lot: strawberry.ID
    sequence: int
    bidder: str
    amount: Decimal
    created: datetime


@strawberry.type
class Query:
    @strawberry.field
    async def bids(self, lot: int | None = None, first: int = 20) -> list[LiveBid]:
        """The newest bids, oldest first."""
        count = min(max(first, 0), AT_MOST)
        found = await database_sync_to_async(queries.latest_bids)(count, lot_id=lot)
        return [_live_bid(bid) for bid in found]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def bids(self, lot: int | None = None) -> AsyncIterator[LiveBid]:
        """Each bid from now on, in order; of one lot, or of all."""
        feed = BidFeed(await database_sync_to_async(queries.sequences)(lot))
        group = ALL_BIDS if lot is None else lot_group(lot)
        async with aclosing(live_bids(feed, group, lot)) as live:
            async for batch in live:
                for bid in batch:
                    yield _live_bid(bid)


def _live_bid(bid: dict) -> LiveBid:
    return LiveBid(
        id=strawberry.ID(str(bid["id"])),
        lot=strawberry.ID(str(bid["lot"])),
        sequence=bid["sequence"],
        bidder=bid["bidder"],
        amount=Decimal(bid["amount"]),
        created=datetime.fromisoformat(bid["created"]),
    )


schema = strawberry.Schema(query=Query, subscription=Subscription)
