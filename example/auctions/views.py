"""The pages: all lots, one of them to bid on, and the door."""

from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, redirect_to_login
from django.db.models import Case, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from auctions.announcements import ask_to_close
from auctions.forms import BidForm
from auctions.models import Bid, Lot
from auctions.sample import USERS
from auctions.services import BidRefused, place_bid

# Scripts, styles, pictures and connections are this site's own, and none stands in a page.
POLICY = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
}
SHOWN = 40
HISTORY = 30


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    if "lot" in request.GET:
        return _moved(request.GET["lot"])
    lots = _lots()
    context = {"lots": lots, "bid_on": _bid_on(request.user, lots)}
    return _page(request, "auctions/home.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def lot(request: HttpRequest, pk: int) -> HttpResponse:
    asked = get_object_or_404(Lot.objects.listed(), pk=pk)
    if request.method != "POST":
        return _lot_page(request, asked, BidForm())
    if not request.user.is_authenticated:
        return redirect_to_login(request.path)
    form = BidForm(request.POST)
    if not form.is_valid():
        return _lot_page(request, asked, form, status=400)
    try:
        bid = place_bid(lot_id=pk, bidder=request.user, **form.cleaned_data)
    except BidRefused as refusal:
        form.add_error("amount", refusal.reason)
        return _lot_page(request, refusal.lot, form, status=409)
    messages.success(request, f"Your bid of £{bid.amount:,.2f} is placed.")
    return redirect("lot", pk=pk)


class SignIn(LoginView):
    """The door; in the demo it says who may come in."""

    template_name = "auctions/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs) -> dict:
        known = User.objects.filter(username__in=[user.username for user in USERS])
        here = set(known.values_list("username", flat=True)) if settings.IS_DEMO else set()
        demo_users = [user for user in USERS if user.username in here]
        return super().get_context_data(demo_users=demo_users, **kwargs)

    def render_to_response(self, context: dict, **response_kwargs) -> HttpResponse:
        return super().render_to_response(context, headers=POLICY, **response_kwargs)


def _lots() -> list[Lot]:
    still_open = When(status=Lot.Status.OPEN, closes_at__gt=timezone.now(), then=0)
    by_closing = Lot.objects.listed().order_by(Case(still_open, default=1), "closes_at", "pk")
    lots = list(by_closing[:SHOWN])
    ask_to_close(lot.pk for lot in lots if lot.is_due)
    return lots


def _bid_on(user: User, lots: list[Lot]) -> set[int]:
    if not user.is_authenticated:
        return set()
    bids = Bid.objects.order_by().filter(bidder=user, lot__in=[lot.pk for lot in lots])
    return set(bids.values_list("lot_id", flat=True).distinct())


def _moved(number: str) -> HttpResponse:
    """Send a link from before each lot had a page to that page."""
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Http404(f"{number!r} is not the number of a lot.")
    return redirect("lot", pk=int(number), permanent=True)


def _lot_page(request: HttpRequest, shown: Lot, form: BidForm, status: int = 200) -> HttpResponse:
    ask_to_close([shown.pk] if shown.is_due else [])
    context = {
        "lot": shown,
        "bids": shown.bids.with_bidder().order_by("-sequence")[:HISTORY],
        "bid_on": _bid_on(request.user, [shown]),
        "form": form,
        # One for each page shown: the form sent twice from one page is one bid.
        "key": uuid4(),
    }
    return _page(request, "auctions/lot.html", context, status)


def _page(request: HttpRequest, template: str, context: dict, status: int = 200) -> HttpResponse:
    return HttpResponse(render_to_string(template, context, request), status=status, headers=POLICY)
