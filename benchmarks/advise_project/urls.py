"""The routes of the shop; those that settings.MOVED names have the view of the other stack."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from shop import api, graphs, live, moved, pages

View = Callable[..., Any]


def movable(route: str, view: View, after: View, name: str) -> URLPattern:
    """Return the route with the view ``after`` where the settings name it as moved."""
    return path(route, after if name in settings.MOVED else view, name=name)


urlpatterns = [
    movable("offers/", pages.offers, moved.offers, "offers"),
    movable("dashboard/", pages.Dashboard.as_view(), moved.dashboard, "dashboard"),
    movable("feed/", pages.feed, moved.feed, "feed"),
    movable("balance/", pages.balance, moved.balance, "balance"),
    movable("notify/", pages.notify, moved.notify, "notify"),
    movable("api/quote/", api.Quote.as_view(), moved.Quote.as_view(), "quote"),
    movable(
        "api/rates/<str:currency>/",
        api.Rates.as_view({"get": "retrieve"}),
        moved.Rates.as_view({"get": "retrieve"}),
        "rates",
    ),
    movable("graphql/", graphs.parcels, moved.parcels, "parcels"),
    movable("invoice/", live.invoice, moved.invoice, "invoice"),
    movable("digest/", live.digest, moved.digest, "digest"),
    path("stocktake/", pages.stocktake),
    path("checkout/", csrf_exempt(pages.Checkout.as_view())),
    path("reply/", pages.reply),
    path("search/", pages.search),
    path("greeting/", pages.greeting),
    path("yearly/", pages.yearly),
    path("coupons/", pages.coupons),
    path("report/", pages.report),
    path("thumbnails/<int:pk>/", pages.Thumbnail.as_view()),
    path("export/", pages.export),
    path("forecast/", pages.forecast),
    path("index/", pages.index),
    path("", pages.Home.as_view()),
    path("prices/", pages.prices),
    path("receipts/", pages.receipts),
    path("api/books/", api.Books.as_view()),
    path("api/orders/", api.Orders.as_view()),
    path("api/tracking/<int:pk>/", api.Tracking.as_view()),
    path("api/valuation/", api.Valuation.as_view()),
    path("graphql/statistics/", graphs.statistics),
    path("graphql/live/", graphs.live),
    path("stock/", live.stock),
    path("quick/", live.quick),
    path("customers/<int:pk>/", live.customer),
    path("events/", live.events),
    path("campaign/", live.campaign),
    path("parcel/", live.parcel),
    path("retry/", live.retry),
    path("ranking/", live.ranking),
    path("archive/", live.archive),
]
