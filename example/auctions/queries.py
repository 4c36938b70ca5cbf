"""What listeners read from the database."""

from collections.abc import Iterable

from auctions.models import Bid, Lot
from auctions.serializers import BidSerializer, LotSerializer


def find_lot(lot_id: int) -> Lot | None:
    return Lot.objects.listed().filter(pk=lot_id).first()


def lot_json(lot: Lot) -> dict:
    """Write a lot from `find_lot` as JSON; asks the database nothing more."""
    return dict(LotSerializer(lot).data)


def sequences(lot_id: int | None = None) -> dict[int, int]:
    """Read how far each lot has come (or the one named): lot id → the last bid's sequence."""
    lots = Lot.objects.all() if lot_id is None else Lot.objects.filter(pk=lot_id)
    return dict(lots.order_by().values_list("pk", "last_sequence"))


def bids_between(lot_id: int, after: int, up_to: int) -> list[dict]:
    """Read a lot's bids with after < sequence <= up_to, in order."""
    bids = Bid.objects.with_bidder().filter(lot_id=lot_id, sequence__gt=after, sequence__lte=up_to)
    return _bids_json(bids.order_by("sequence"))


def latest_bids(count: int, *, after_id: int = 0, lot_id: int | None = None) -> list[dict]:
    """Read the newest bids that come after a bid's id, oldest first."""
    bids = Bid.objects.with_bidder().filter(pk__gt=after_id)
    if lot_id is not None:
        bids = bids.filter(lot_id=lot_id)
    return _bids_json(reversed(bids.order_by("-pk")[:count]))


def _bids_json(bids: Iterable[Bid]) -> list[dict]:
    return [dict(BidSerializer(bid).data) for bid in bids]
