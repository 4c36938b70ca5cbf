"""Closing a lot: when its time is up, once, by the Channels worker."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from channels.testing import ApplicationCommunicator
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from lots import BrokenLayer, amake_lot, greeted, layer, make_lot, received, socket_of

from auctions.announcements import ask_to_close
from auctions.models import Lot
from auctions.services import close_lot
from config.asgi import application


def test_lot_is_not_closed_before_its_time() -> None:
    """Asking to close a lot that is not due does nothing."""
    lot = make_lot(closes_in_s=60)

    assert close_lot(lot.pk) is False

    lot.refresh_from_db()
    assert lot.status == Lot.Status.OPEN


def test_many_who_close_at_once_close_it_once() -> None:
    """Exactly one of those who try to close a lot succeeds."""
    lot = make_lot(closes_in_s=-1)

    with ThreadPoolExecutor(8) as pool:
        closed = list(pool.map(_close_in_a_thread, [lot.pk] * 16))

    assert sorted(closed) == [False] * 15 + [True]


def test_worker_closes_the_lot_and_watchers_hear_of_it() -> None:
    """A lot.close message to the channel "lots" ends in a closed message to the lot's sockets."""

    async def scenario() -> dict:
        lot = await amake_lot(closes_in_s=-1)
        socket = socket_of(lot.pk)
        await greeted(socket)
        worker = ApplicationCommunicator(application, {"type": "channel", "channel": "lots"})
        await worker.send_input({"type": "lot.close", "lot": lot.pk})
        closed = await received(socket, "closed")
        await socket.disconnect()
        worker.stop(exceptions=False)
        return closed

    closed = asyncio.run(scenario())

    assert closed["lot"]["status"] == "closed"


def test_everybody_hears_how_a_lot_ended() -> None:
    """The watchers of another lot get its title and its best bid, which is none here."""

    async def scenario() -> tuple[int, dict]:
        lot, other = await amake_lot(closes_in_s=-1), await amake_lot()
        socket = socket_of(other.pk)
        await greeted(socket)
        await sync_to_async(close_lot)(lot.pk)
        hammer = await received(socket, "hammer")
        await socket.disconnect()
        return lot.pk, hammer

    lot, hammer = asyncio.run(scenario())

    assert hammer == {"type": "hammer", "lot": lot, "title": "Longcase clock", "best_bid": None}


def test_command_asks_for_every_due_lot() -> None:
    """close_due_lots names the due lots to the worker, and no others."""
    due = make_lot(closes_in_s=-1)
    make_lot(closes_in_s=60)
    make_lot(closes_in_s=-1, status=Lot.Status.CLOSED)

    call_command("close_due_lots", stdout=io.StringIO())

    assert _asked() == [due.pk]


def test_worker_is_asked_once_in_a_while() -> None:
    """However many come upon a due lot, the worker's channel does not fill up."""
    for _ in range(5):
        ask_to_close([1, 2])

    assert _asked() == [1, 2]


def test_asking_never_raises() -> None:
    """A list of lots is shown even when the channel layer is away."""
    with override_settings(CHANNEL_LAYERS=layer(BrokenLayer)):
        ask_to_close([1])


def _close_in_a_thread(lot_id: int) -> bool:
    try:
        return close_lot(lot_id)
    finally:
        connection.close()


def _asked() -> list[int]:
    queue = get_channel_layer().channels["lots"]
    receive = async_to_sync(get_channel_layer().receive)
    return [receive("lots")["lot"] for _ in range(queue.qsize())]
