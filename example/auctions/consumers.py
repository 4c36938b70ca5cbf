"""
The WebSocket of one lot: its state, then its bids as they come, then who won.

What is sent, as JSON; `me` is the user whose session came with the handshake, or nobody:

    {"type": "lot", "lot": {…}, "bids": […], "winning": bool}   first; the last ten bids
    {"type": "bid", "bid": {…}, "closes_at": "…Z", "winning": bool, "outbid": bool}
    {"type": "closed", "lot": {…}, "winning": bool}             once; winning: me won it
    {"type": "presence", "watching": 7}                         after "lot", then as it changes
    {"type": "hammer", "lot": 7, "title": "…", "best_bid": {…}} as any lot closes; may be lost

A bid is {"id", "lot", "sequence", "bidder": username, "amount": "120.00", "created": "…Z"}.
`winning` says that the best bid is mine, `outbid` that this bid replaced mine and is another's.
`closes_at` is the lot's closing time by now: a bid in the last two minutes puts it off.
"""

import asyncio
import logging
import random
from urllib.parse import parse_qs

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.utils import timezone

from auctions import feed, presence, queries
from auctions.announcements import HALL, ask_to_close, lot_group
from auctions.models import Lot
from auctions.serializers import time_json
from auctions.watcher import Watcher
from django_tandem.channels import BroadcastMixin

logger = logging.getLogger(__name__)

UNKNOWN_LOT = 4404
HISTORY = 10
REPLAY_AT_MOST = 500


class LotConsumer(BroadcastMixin, AsyncJsonWebsocketConsumer):
    """
    Send the lot first, then each bid accepted after that, and at the end who won.

    A client that was cut off names the last sequence it had, as `?after=7`, and gets the
    bids since then.
    """

    keeping_up: asyncio.Task | None = None
    watcher: Watcher | None = None

    async def __call__(self, scope, receive, send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Not in disconnect: a send to a client that has gone may raise, and then it is not
            # called. What is left here would be counted as watching forever.
            await self._leave()

    async def connect(self) -> None:
        self.lot_id = self.scope["url_route"]["kwargs"]["pk"]
        # Joined before the lot is read, so that no bid falls between the two.
        for group in (lot_group(self.lot_id), HALL):
            await self.channel_layer.group_add(group, self.channel_name)
        lot = await self._lot()
        # A code reaches the browser only once the handshake is done.
        await self.accept()
        if lot is None:
            await self.close(code=UNKNOWN_LOT)
            return
        await self._greet(lot)
        self.keeping_up = asyncio.create_task(self._keep_up())
        self.watcher = Watcher(self._send_watching)
        presence.house().join(self.lot_id, self.watcher)

    async def receive(self, text_data=None, bytes_data=None) -> None:
        """Ignore what clients say: bids are placed over HTTP."""

    async def bid_placed(self, event: dict) -> None:
        async with self.turn:
            await self._send_bids(await self.feed.take(event["bid"]), event["closes_at"])

    async def lot_closed(self, event: dict) -> None:
        await self._catch_up()

    async def _leave(self) -> None:
        if self.keeping_up:
            self.keeping_up.cancel()
        if self.watcher:
            await presence.house().leave(self.lot_id, self.watcher)
        for group in (lot_group(self.lot_id), HALL):
            await self.channel_layer.group_discard(group, self.channel_name)

    async def _greet(self, lot: Lot) -> None:
        last = lot.last_sequence
        had = self._had(last)
        read = database_sync_to_async(queries.bids_between)
        # From the last one the client had: whose that was says whom the next one outbid.
        bids = await read(self.lot_id, min(had - 1, last - HISTORY), last)
        missed = [bid for bid in bids if bid["sequence"] > had]
        self.best_bidder = next((bid["bidder"] for bid in bids if bid["sequence"] == had), None)
        self.feed = feed.BidFeed({self.lot_id: last})
        self.sent_closed = lot.status == Lot.Status.CLOSED
        # Bids come from the channel layer and from _keep_up: one of them at a time.
        self.turn = asyncio.Lock()
        await self._send_lot("lot", lot, bids=bids[-HISTORY:])
        await self._send_bids(missed, time_json(lot.closes_at))

    def _had(self, last: int) -> int:
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        after = query.get("after", [""])[-1]
        if not (after.isascii() and after.isdigit() and len(after) < 10):
            return last
        return max(min(int(after), last), last - REPLAY_AT_MOST)

    async def _keep_up(self) -> None:
        pause_s = await self._look_again_in_s()
        # Not in step with the other sockets: they would all ask the database at one moment.
        pause_s *= random.random()  # noqa: S311
        while True:
            await asyncio.sleep(pause_s)
            pause_s = await self._look_again_in_s()

    async def _look_again_in_s(self) -> float:
        try:
            lot = await self._catch_up()
        except Exception:
            logger.exception("A socket of lot %s could not catch up; will try again", self.lot_id)
            return feed.CATCH_UP_S
        if lot is None or not lot.is_open:
            return feed.CATCH_UP_S
        left_s = (lot.closes_at - timezone.now()).total_seconds()
        return min(max(left_s, 0.0), feed.CATCH_UP_S)

    async def _catch_up(self) -> Lot | None:
        async with self.turn:
            # The lot before its bids: none can follow on a lot read as closed.
            lot = await self._lot()
            if lot is None:
                await self.close(code=UNKNOWN_LOT)
                return None
            bids = await self.feed.up_to(self.lot_id, lot.last_sequence)
            await self._send_bids(bids, time_json(lot.closes_at))
            if lot.status == Lot.Status.CLOSED and not self.sent_closed:
                self.sent_closed = True
                await self._send_lot("closed", lot)
        if lot.is_due:
            await sync_to_async(ask_to_close)([self.lot_id])
        return lot

    async def _send_lot(self, kind: str, lot: Lot, **more: object) -> None:
        state = queries.lot_json(lot)
        winning = bool(state["best_bid"]) and self._is_me(state["best_bid"]["bidder"])
        await self.send_json({"type": kind, "lot": state, "winning": winning, **more})

    async def _send_bids(self, bids: list[dict], closes_at: str) -> None:
        for bid in bids:
            winning = self._is_me(bid["bidder"])
            outbid = not winning and self._is_me(self.best_bidder)
            self.best_bidder = bid["bidder"]
            message = {"bid": bid, "closes_at": closes_at, "winning": winning, "outbid": outbid}
            await self.send_json({"type": "bid", **message})

    async def _send_watching(self, count: int) -> None:
        await self.send_json({"type": "presence", "watching": count})

    def _is_me(self, bidder: str | None) -> bool:
        me = self.scope["user"]
        return me.is_authenticated and me.get_username() == bidder

    async def _lot(self) -> Lot | None:
        return await database_sync_to_async(queries.find_lot)(self.lot_id)
