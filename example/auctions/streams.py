"""The event stream of bids: the recent ones, then each as it is placed."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing

from channels.db import database_sync_to_async
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET

from auctions import queries
from auctions.announcements import ALL_BIDS
from auctions.feed import BidFeed, live_bids

RECENT = 20
REPLAY_AT_MOST = 500


@require_GET
async def bids(request: HttpRequest) -> StreamingHttpResponse:
    last_id = request.headers.get("Last-Event-ID", "")
    response = StreamingHttpResponse(_events(last_id), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    return response


async def _events(last_id: str) -> AsyncIterator[str]:
    # How far the lots have come is read first: what is placed after that comes from live_bids.
    reached = await database_sync_to_async(queries.sequences)()
    for bid in await _earlier(last_id):
        if bid["sequence"] <= reached.get(bid["lot"], 0):
            yield _event(bid)
    # Closed here and now when the reader leaves, not whenever it is garbage collected.
    async with aclosing(live_bids(BidFeed(reached), ALL_BIDS)) as live:
        async for batch in live:
            # A comment when all is quiet keeps proxies from taking the stream for dead.
            yield "".join(map(_event, batch)) or ": quiet\n\n"


async def _earlier(last_id: str) -> list[dict]:
    read = database_sync_to_async(queries.latest_bids)
    if last_id.isascii() and last_id.isdigit() and len(last_id) < 19:
        return await read(REPLAY_AT_MOST, after_id=int(last_id))
    return await read(RECENT)


def _event(bid: dict) -> str:
    return f"id: {bid['id']}\nevent: bid\ndata: {json.dumps(bid)}\n\n"
