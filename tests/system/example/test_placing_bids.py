"""The rules of placing a bid."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection
from django.test import override_settings
from lots import BrokenLayer, a_user, bid_on, layer, make_lot

from auctions.models import Bid, Lot
from auctions.services import BidRefused, place_bid


def test_accepted_bid_becomes_the_price_and_the_best() -> None:
    """An accepted bid is stored with the next number and the lot points at it."""
    lot = make_lot(opening_price=100)

    first, second = bid_on(lot, 100, 120)

    lot.refresh_from_db()
    assert [first.sequence, second.sequence] == [1, 2]
    assert (lot.current_price, lot.last_sequence, lot.best_bid) == (120, 2, second)


@pytest.mark.parametrize("amount", [119, 120])
def test_bid_not_above_the_highest_is_refused(amount: int) -> None:
    """A bid must be above the highest, not equal to it, and a refused one leaves no trace."""
    lot = make_lot(opening_price=100)
    bid_on(lot, 120)

    with pytest.raises(BidRefused) as refused:
        bid_on(lot, amount)

    assert refused.value.as_json() == {
        "code": "too_low",
        "detail": "The highest bid is 120.00; yours must be above it.",
        "current_price": "120.00",
    }
    assert lot.bids.count() == 1


def test_first_bid_below_the_opening_price_is_refused() -> None:
    """Bidding starts at the opening price."""
    with pytest.raises(BidRefused, match=r"^Bidding on this lot opens at 100.00.$"):
        bid_on(make_lot(opening_price=100), 99)


def test_closed_lot_takes_no_bid() -> None:
    """A closed lot refuses any bid."""
    lot = make_lot(status=Lot.Status.CLOSED)

    with pytest.raises(BidRefused) as refused:
        bid_on(lot, 500)

    assert refused.value.code == "closed"


def test_due_lot_takes_no_bid_and_the_worker_is_asked_to_close_it() -> None:
    """A lot whose time is up is closed to bids before the worker comes round."""
    lot = make_lot(closes_in_s=-1)

    with pytest.raises(BidRefused) as refused:
        bid_on(lot, 500)

    assert refused.value.code == "closed"
    asked = async_to_sync(get_channel_layer().receive)("lots")
    assert asked == {"type": "lot.close", "lot": lot.pk}


def test_bid_on_an_unknown_lot_raises() -> None:
    """There is no bidding on what is not there."""
    with pytest.raises(Lot.DoesNotExist):
        place_bid(lot_id=404, bidder=a_user(), amount=Decimal(5))


def test_bid_stands_when_it_cannot_be_announced() -> None:
    """Once stored a bid is placed, whether or not the channel layer can be reached."""
    lot = make_lot()

    with override_settings(CHANNEL_LAYERS=layer(BrokenLayer)):
        bid_on(lot, 100)

    assert Bid.objects.get().amount == 100


def test_bids_at_once_take_turns() -> None:
    """Bids that come at the same time get numbers without holes, in the order of the amounts."""
    lot = make_lot(opening_price=1)
    a_user()

    with ThreadPoolExecutor(8) as pool:
        accepted = sum(pool.map(lambda amount: _bid_in_a_thread(lot, amount), range(1, 41)))

    lot.refresh_from_db()
    stored = list(lot.bids.order_by("sequence").values_list("sequence", "amount"))
    assert [sequence for sequence, _ in stored] == list(range(1, accepted + 1))
    assert [amount for _, amount in stored] == sorted(amount for _, amount in stored)
    assert (lot.current_price, lot.last_sequence) == (40, accepted)


def _bid_in_a_thread(lot: Lot, amount: int) -> bool:
    try:
        bid_on(lot, amount)
    except BidRefused:
        return False
    finally:
        connection.close()
    return True
