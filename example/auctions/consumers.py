"""The WebSocket of one lot: its state, then its bids as they come, then who won."""

import asyncio
import logging
import random
from urllib.parse import parse_qs

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.utils import timezone

from auctions import feed, queries
from auctions.announcements import ask_to_close, lot_group
from auctions.models import Lot

logger = logging.getLogger(__name__)

UNKNOWN_LOT = 4404
HISTORY = 10
REPLAY_AT_MOST = 500


class LotConsumer(AsyncJsonWebsocketConsumer):
    """
    Send {"type": "lot", "lot": …, "bids": […]} first, then {"type": "bid", "bid": …} for each
    bid accepted after that, and {"type": "closed", "lot": …} at the end. A client that was
    cut off names the last sequence it had, as `?after=7`, and gets the bids since then.
    """

    keeping_up: asyncio.Task | None = None

    async def connect(self) -> None:
        self.lot_id = self.scope["url_route"]["kwargs"]["pk"]
        # Joined before the lot is read, so that no bid falls between the two.
        await self.channel_layer.group_add(lot_group(self.lot_id), self.channel_name)
        lot = await self._lot()
        # A code reaches the browser only once the handshake is done.
        await self.accept()
        if lot is None:
            await self.close(code=UNKNOWN_LOT)
            return
        await self._greet(lot)
        self.keeping_up = asyncio.create_task(self._keep_up())

    async def disconnect(self, code: int) -> None:
        if self.keeping_up:
            self.keeping_up.cancel()
        await self.channel_layer.group_discard(lot_group(self.lot_id), self.channel_name)

    async def receive(self, text_data=None, bytes_data=None) -> None:
        """Ignore what clients say: bids are placed over HTTP."""

    async def bid_placed(self, event: dict) -> None:
        async with self.turn:
            await self._send_bids(await self.feed.take(event["bid"]))

    async def lot_closed(self, event: dict) -> None:
        await self._catch_up()

    async def _greet(self, lot: Lot) -> None:
        last = lot.last_sequence
        read = database_sync_to_async(queries.bids_between)
        bids = await read(self.lot_id, last - HISTORY, last)
        await self.send_json({"type": "lot", "lot": queries.lot_json(lot), "bids": bids})
        self.feed = feed.BidFeed({self.lot_id: self._had(last)})
        self.told_closed = lot.status == Lot.Status.CLOSED
        # Bids come from the channel layer and from _keep_up: one of them at a time.
        self.turn = asyncio.Lock()

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
            await self._send_bids(await self.feed.up_to(self.lot_id, lot.last_sequence))
            if lot.status == Lot.Status.CLOSED and not self.told_closed:
                await self._tell_closed(lot)
        if lot.is_due:
            await sync_to_async(ask_to_close)([self.lot_id])
        return lot

    async def _tell_closed(self, lot: Lot) -> None:
        self.told_closed = True
        await self.send_json({"type": "closed", "lot": queries.lot_json(lot)})

    async def _send_bids(self, bids: list[dict]) -> None:
        for bid in bids:
            await self.send_json({"type": "bid", "bid": bid})

    async def _lot(self) -> Lot | None:
        return await database_sync_to_async(queries.find_lot)(self.lot_id)
