"""A bid in the last two minutes puts the closing off, and everybody hears of it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event

import pytest
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone
from lots import (
    LosingLayer,
    a_user,
    abid_on,
    amake_lot,
    bid_on,
    greeted,
    layer,
    make_lot,
    received,
    socket_of,
)

from auctions import feed
from auctions.models import Lot
from auctions.services import TIME_TO_ANSWER, BidRefused, close_lot


def test_bid_in_the_last_two_minutes_leaves_two_minutes_to_answer() -> None:
    """The closing moves to two minutes after the bid."""
    lot = make_lot(closes_in_s=30)

    (bid,) = bid_on(lot, 120)

    lot.refresh_from_db()
    assert lot.closes_at == bid.created + timedelta(minutes=2)


def test_earlier_bid_leaves_the_closing_where_it_is() -> None:
    """With more than two minutes to go there is time enough."""
    lot = make_lot(closes_in_s=130)

    bid_on(lot, 120)

    assert Lot.objects.get().closes_at == lot.closes_at


def test_refused_bid_puts_nothing_off() -> None:
    """Nobody keeps a lot open by bids that are too low."""
    lot = make_lot(closes_in_s=30)

    with pytest.raises(BidRefused):
        bid_on(lot, 1)

    assert Lot.objects.get().closes_at == lot.closes_at


@pytest.mark.parametrize("losing", [False, True], ids=["announced", "announcement lost"])
def test_socket_hears_of_the_new_closing_with_the_bid(
    losing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bid's message says when the lot closes now, caught up with from the database or not."""
    if losing:
        monkeypatch.setattr(feed, "CATCH_UP_S", 0.02)
        layers = override_settings(CHANNEL_LAYERS=layer(LosingLayer))
        layers.enable()

    async def scenario() -> tuple[dict, dict]:
        lot = await amake_lot(closes_in_s=30)
        socket = socket_of(lot.pk)
        greeting = await greeted(socket)
        await abid_on(lot, 120)
        bid = await received(socket, "bid")
        await socket.disconnect()
        return greeting, bid

    greeting, bid = asyncio.run(scenario())
    if losing:
        layers.disable()

    before, after = (
        datetime.fromisoformat(when) for when in (greeting["lot"]["closes_at"], bid["closes_at"])
    )
    assert bid["closes_at"].endswith("Z")
    assert after == Lot.objects.get().closes_at
    assert after > before


def test_client_that_was_cut_off_hears_of_the_latest_closing() -> None:
    """What it missed comes with the closing as it stands."""
    lot = make_lot(closes_in_s=30)
    bid_on(lot, 120, 130)

    async def scenario() -> list[dict]:
        socket = socket_of(lot.pk, "?after=0")
        await greeted(socket)
        bids = [await received(socket, "bid") for _ in range(2)]
        await socket.disconnect()
        return bids

    closing = {bid["closes_at"] for bid in asyncio.run(scenario())}

    assert [datetime.fromisoformat(when) for when in closing] == [Lot.objects.get().closes_at]


def test_lot_that_is_put_off_while_it_is_closed_stays_open() -> None:
    """Who closes waits for the bid that holds the lot, and then finds that it is not due."""
    lot = make_lot(closes_in_s=2)
    a_user()
    holds, due = Event(), Event()

    def bid() -> None:
        with transaction.atomic():
            bid_on(lot, 120)
            holds.set()
            assert due.wait(10)
        connection.close()

    def close() -> bool:
        assert holds.wait(10)
        while timezone.now() < lot.closes_at:
            Event().wait(0.01)
        due.set()
        try:
            return close_lot(lot.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        bidding, closing = pool.submit(bid), pool.submit(close)
        bidding.result()
        assert closing.result() is False

    assert Lot.objects.get().status == Lot.Status.OPEN


def test_lot_that_was_put_off_closes_at_the_new_time() -> None:
    """Two minutes later it is over, and two who close it at once close it once."""
    lot = make_lot(closes_in_s=30)
    bid_on(lot, 120)
    Lot.objects.update(closes_at=timezone.now() - timedelta(milliseconds=1))

    with pytest.raises(BidRefused):
        bid_on(lot, 130)

    assert [close_lot(lot.pk), close_lot(lot.pk)] == [True, False]
    assert timedelta(minutes=2) == TIME_TO_ANSWER
