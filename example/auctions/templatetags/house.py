"""How lots are shown: their pictures, their prices, and how a visitor stands."""

from decimal import Decimal
from functools import cache
from pathlib import Path

from django import template
from django.contrib.auth.models import User
from django.templatetags.static import static

from auctions.models import Lot

register = template.Library()

PICTURES = Path(__file__).parents[1] / "static/auctions/pictures"
ANY = "any"


@register.simple_tag
def picture(lot: Lot) -> str:
    """Return the address of a lot's picture; one that is not there would break the page."""
    name = lot.picture if lot.picture in _pictures() else ANY
    return static(f"auctions/pictures/{name}.svg")


@cache
def _pictures() -> frozenset[str]:
    return frozenset(path.stem for path in PICTURES.glob("*.svg"))


@register.filter
def pounds(amount: Decimal) -> str:
    """Write an amount as people do: £1,250.00."""
    return f"£{amount:,.2f}"


@register.simple_tag
def standing(user: User, lot: Lot, bid_on: set[int]) -> str:
    """Return "winning" or "outbid" for who has bid on the lot ("won", "lost" at the end)."""
    if not user.is_authenticated or lot.pk not in bid_on:
        return ""
    leads = lot.best_bid is not None and lot.best_bid.bidder_id == user.pk
    if lot.is_open:
        return "winning" if leads else "outbid"
    return "won" if leads else "lost"
