"""The page: the lots, and one of them to bid on."""

from django.contrib import messages
from django.db.models import Case, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from auctions.announcements import ask_to_close
from auctions.forms import BidForm
from auctions.models import Lot
from auctions.services import BidRefused, place_bid

SHOWN = 40
HISTORY = 10


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    lots = _lots()
    chosen = _chosen(request, lots)
    form = BidForm(request.POST or None)
    status = 200
    if chosen and form.is_valid():
        try:
            bid = place_bid(lot_id=chosen.pk, **form.cleaned_data)
        except BidRefused as refusal:
            form.add_error("amount", refusal.reason)
            chosen, status = refusal.lot, 409
        else:
            messages.success(request, f"Your bid of £{bid.amount:.2f} is the highest.")
            return redirect(f"{request.path}?lot={chosen.pk}")
    bids = chosen.bids.order_by("-sequence")[:HISTORY] if chosen else []
    context = {"lots": lots, "chosen": chosen, "bids": bids, "form": form}
    return render(request, "auctions/home.html", context, status=status)


def _lots() -> list[Lot]:
    still_open = When(status=Lot.Status.OPEN, closes_at__gt=timezone.now(), then=0)
    by_closing = Lot.objects.listed().order_by(Case(still_open, default=1), "closes_at", "pk")
    lots = list(by_closing[:SHOWN])
    ask_to_close(lot.pk for lot in lots if lot.is_due)
    return lots


def _chosen(request: HttpRequest, lots: list[Lot]) -> Lot | None:
    number = request.GET.get("lot")
    if number is None and request.method != "POST":
        return lots[0] if lots else None
    # A bid without a number is refused too: the first of the list changes by the minute.
    if not (number and number.isascii() and number.isdigit() and len(number) < 19):
        raise Http404(f"{number!r} is not the number of a lot.")
    return get_object_or_404(Lot.objects.listed(), pk=number)
