"""The rules of the auction: the only code that places bids and closes lots."""

from decimal import Decimal

from django.db import transaction

from auctions.announcements import announce_bid, announce_closing, ask_to_close
from auctions.models import Bid, Lot


class BidRefused(Exception):  # noqa: N818  an answer, not an error
    """A sound bid that the lot cannot take as it stands now."""

    def __init__(self, code: str, reason: str, lot: Lot) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.lot = lot

    def as_json(self) -> dict[str, str]:
        return {
            "code": self.code,
            "detail": self.reason,
            "current_price": str(self.lot.current_price),
        }


def place_bid(*, lot_id: int, bidder: str, amount: Decimal) -> Bid:
    """
    Accept a bid and, once it is stored for good, announce it.

    Raises BidRefused when the lot is closed or the amount is not above the
    highest bid, and Lot.DoesNotExist.
    """
    try:
        return _accept(lot_id, bidder, amount)
    except BidRefused as refusal:
        if refusal.lot.is_due:
            ask_to_close([lot_id])
        raise


@transaction.atomic
def _accept(lot_id: int, bidder: str, amount: Decimal) -> Bid:
    # The lock makes bids on a lot take turns until each has committed, so sequence numbers follow
    # the amounts and whoever can read number 9 can read 1 to 8 too. SQLite has no row locks and
    # ignores it; there BEGIN IMMEDIATE (settings) makes all writers take turns.
    lot = Lot.objects.select_for_update().get(pk=lot_id)
    _refuse_unless_welcome(lot, amount)
    bid = Bid.objects.create(lot=lot, sequence=lot.last_sequence + 1, bidder=bidder, amount=amount)
    lot.current_price, lot.last_sequence, lot.best_bid = amount, bid.sequence, bid
    lot.save(update_fields=["current_price", "last_sequence", "best_bid"])
    # After the commit the lock is gone, so two bids may be announced in either order, and with
    # Redis away not at all: auctions.feed puts that right. robust, for the bid stands regardless.
    transaction.on_commit(lambda: announce_bid(bid), robust=True)
    return bid


def _refuse_unless_welcome(lot: Lot, amount: Decimal) -> None:
    if not lot.is_open:
        raise BidRefused("closed", "This lot is closed.", lot)
    if lot.best_bid_id is None and amount < lot.opening_price:
        raise BidRefused("too_low", f"Bidding on this lot opens at {lot.opening_price}.", lot)
    if lot.best_bid_id is not None and amount <= lot.current_price:
        reason = f"The highest bid is {lot.current_price}; yours must be above it."
        raise BidRefused("too_low", reason, lot)


@transaction.atomic
def close_lot(lot_id: int) -> bool:
    """Close a lot whose time is up and announce it; False when there was nothing to do."""
    # One UPDATE decides, so of many who try at once exactly one closes it and announces.
    closed = Lot.objects.due().filter(pk=lot_id).update(status=Lot.Status.CLOSED)
    if closed:
        transaction.on_commit(lambda: announce_closing(lot_id), robust=True)
    return bool(closed)
