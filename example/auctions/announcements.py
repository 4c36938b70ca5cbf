"""The messages on the channel layer, and their groups."""

import logging
from collections.abc import Iterable

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.cache import cache

from auctions.models import Bid
from auctions.queries import find_lot, lot_json
from auctions.serializers import BidSerializer, time_json
from django_tandem.channels import broadcast_sync

logger = logging.getLogger(__name__)

ALL_BIDS = "bids"
# Everybody who watches any lot.
HALL = "hall"
CLOSING_CHANNEL = "lots"
ASK_AGAIN_AFTER_S = 10


def lot_group(lot_id: int) -> str:
    return f"lot-{lot_id}"


def announce_bid(bid: Bid) -> None:
    """Send to the watchers of the lot, and to those of all lots."""
    closes_at = time_json(bid.lot.closes_at)
    event = {
        "type": "bid.placed",
        "bid": dict(BidSerializer(bid).data),
        "closes_at": closes_at,
    }
    async_to_sync(_send_to_groups)([lot_group(bid.lot_id), ALL_BIDS], event)


def announce_closing(lot_id: int) -> None:
    """Send to the watchers of the lot, who look how it ended for them, and to everybody else."""
    async_to_sync(_send_to_groups)([lot_group(lot_id)], {"type": "lot.closed", "lot": lot_id})
    if lot := find_lot(lot_id):
        state = lot_json(lot)
        hammer = {"lot": lot_id, "title": lot.title, "best_bid": state["best_bid"]}
        # The same for all, so it is a broadcast; whoever misses it finds it on the house page.
        broadcast_sync(HALL, json={"type": "hammer", **hammer})


async def _send_to_groups(groups: list[str], event: dict) -> None:
    layer = get_channel_layer()
    for group in groups:
        await layer.group_send(group, event)


def ask_to_close(lot_ids: Iterable[int]) -> None:
    """
    Ask the Channels worker to close these lots; never raises.

    Anyone who comes upon a lot whose time is up asks, so this is requested often and
    the worker may be away: once in a while for each lot and process is enough.
    """
    lots = [pk for pk in lot_ids if _may_ask(pk)]
    if not lots:
        return
    try:
        async_to_sync(send_to_worker)(lots)
    except Exception as error:  # noqa: BLE001  each layer has its own, and lots are shown regardless
        logger.warning("Could not ask the worker to close lots %s: %r", lots, error)


def _may_ask(lot_id: int) -> bool:
    return cache.add(f"asked-to-close-{lot_id}", 1, timeout=ASK_AGAIN_AFTER_S)


async def send_to_worker(lot_ids: list[int]) -> None:
    for lot_id in lot_ids:
        await get_channel_layer().send(CLOSING_CHANNEL, {"type": "lot.close", "lot": lot_id})
