"""The rules of the auction: the only code that places bids and closes lots."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from auctions.announcements import announce_bid, announce_closing, ask_to_close
from auctions.models import Bid, Lot

# A bid leaves the others at least this long to answer it: nobody wins by being the last to click.
TIME_TO_ANSWER = timedelta(minutes=2)


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


def place_bid(
    *, lot_id: int, bidder: AbstractBaseUser, amount: Decimal, key: UUID | None = None
) -> Bid:
    """
    Accept a bid and, once it is stored for good, announce it.

    The same bid under the same key again returns the first, with `is_repeat` set. Raises
    BidRefused when the lot is closed, the amount is not above the highest bid or the key
    is another bid's, and Lot.DoesNotExist.
    """
    try:
        return _accept(lot_id, bidder, amount, key)
    except BidRefused as refusal:
        if refusal.lot.is_due:
            ask_to_close([lot_id])
        raise
    except IntegrityError:
        # The lock is the lot's, so two bids under one key on two lots meet at the constraint.
        if repeat := _repeat(Lot.objects.get(pk=lot_id), bidder, amount, key):
            return repeat
        raise


@transaction.atomic
def _accept(lot_id: int, bidder: AbstractBaseUser, amount: Decimal, key: UUID | None) -> Bid:
    # The lock makes bids on a lot take turns until each has committed, so sequence numbers follow
    # the amounts and anyone who can read number 9 can read 1 to 8 too. SQLite has no row locks and
    # ignores it; there BEGIN IMMEDIATE (settings) makes all writers take turns.
    lot = Lot.objects.select_for_update().get(pk=lot_id)
    # Asked with the lock: of two that come at once the second finds the first.
    if repeat := _repeat(lot, bidder, amount, key):
        return repeat
    _refuse_unless_welcome(lot, amount)
    bid = Bid.objects.create(
        lot=lot, sequence=lot.last_sequence + 1, bidder=bidder, amount=amount, key=key
    )
    _keep_score(lot, bid)
    # After the commit the lock is gone, so two bids may be announced in either order, and with
    # Redis away not at all: auctions.feed puts that right. robust, for the bid stands regardless.
    transaction.on_commit(lambda: announce_bid(bid), robust=True)
    return bid


def _repeat(lot: Lot, bidder: AbstractBaseUser, amount: Decimal, key: UUID | None) -> Bid | None:
    first = Bid.objects.filter(bidder=bidder, key=key).first() if key else None
    if first is None:
        return None
    if (first.lot_id, first.amount) != (lot.pk, amount):
        reason = (
            f"This key is that of your bid of {first.amount} on lot {first.lot_id}: "
            "a new bid needs a new key."
        )
        raise BidRefused("key_taken", reason, lot)
    first.lot, first.bidder, first.is_repeat = lot, bidder, True
    return first


def _refuse_unless_welcome(lot: Lot, amount: Decimal) -> None:
    if not lot.is_open:
        raise BidRefused("closed", "This lot is closed.", lot)
    if lot.best_bid_id is None and amount < lot.opening_price:
        raise BidRefused("too_low", f"Bidding on this lot opens at {lot.opening_price}.", lot)
    if lot.best_bid_id is not None and amount <= lot.current_price:
        reason = f"The highest bid is {lot.current_price}; yours must be above it."
        raise BidRefused("too_low", reason, lot)


def _keep_score(lot: Lot, bid: Bid) -> None:
    lot.current_price, lot.last_sequence, lot.best_bid = bid.amount, bid.sequence, bid
    lot.closes_at = max(lot.closes_at, bid.created + TIME_TO_ANSWER)
    lot.save(update_fields=["current_price", "last_sequence", "best_bid", "closes_at"])


@transaction.atomic
def close_lot(lot_id: int) -> bool:
    """Close a lot whose time is up and announce it; False when there was nothing to do."""
    # One UPDATE decides, so of many who try at once exactly one closes it and announces. It asks
    # for the time again after waiting for a bid's lock, so a lot put off meanwhile stays open.
    closed = Lot.objects.due().filter(pk=lot_id).update(status=Lot.Status.CLOSED)
    if closed:
        transaction.on_commit(lambda: announce_closing(lot_id), robust=True)
    return bool(closed)
