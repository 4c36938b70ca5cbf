"""The REST API."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lots import bid_on, make_lot, token_of

from auctions.models import Lot


def _bid(lot_id: int, **bid):
    return Client(headers=token_of("ada")).post(
        f"/api/lots/{lot_id}/bids/", bid, content_type="application/json"
    )


def test_list_takes_two_queries_however_long_it_is() -> None:
    """A page of lots with sellers and best bids is one count and one join."""
    for number in range(25):
        bid_on(make_lot(title=f"Lot {number}"), 100)

    with CaptureQueriesContext(connection) as queries:
        page = Client().get("/api/lots/").json()

    assert len(queries) == 2
    assert (page["count"], len(page["results"])) == (25, 20)
    assert page["results"][0]["seller"]["name"] == "The Clock Room"
    assert page["results"][0]["best_bid"]["amount"] == "100.00"
    assert page["results"][0]["best_bid"]["bidder"] == "ada"


def test_lot_without_bids_has_no_best_bid() -> None:
    """A lot nobody has bid on shows its opening price."""
    lot = Client().get(f"/api/lots/{make_lot(opening_price=75).pk}/").json()

    assert (lot["current_price"], lot["best_bid"], lot["status"]) == ("75.00", None, "open")


def test_due_lot_is_shown_as_closed() -> None:
    """A lot that takes no bids any more says so, whether or not the worker has been."""
    lot = make_lot(closes_in_s=-1)

    assert Client().get(f"/api/lots/{lot.pk}/").json()["status"] == "closed"
    assert Lot.objects.get().status == "open"


def test_accepted_bid_is_answered_with_201() -> None:
    """The answer is the bid as it is stored."""
    lot = make_lot()

    response = _bid(lot.pk, amount="120.50")

    stored = lot.bids.get()
    assert response.status_code == 201
    assert response.json() == {
        "id": stored.pk,
        "lot": lot.pk,
        "sequence": 1,
        "bidder": "ada",
        "amount": "120.50",
        "created": stored.created.isoformat().replace("+00:00", "Z"),
    }


def test_bid_not_above_the_highest_is_answered_with_409() -> None:
    """A conflict says why and what the price is now."""
    lot = make_lot()
    bid_on(lot, 120)

    response = _bid(lot.pk, amount="120.00")

    assert response.status_code == 409
    assert response.json() == {
        "code": "too_low",
        "detail": "The highest bid is 120.00; yours must be above it.",
        "current_price": "120.00",
    }


def test_bid_on_a_closed_lot_is_answered_with_409() -> None:
    """So does a closed lot."""
    response = _bid(make_lot(closes_in_s=-1).pk, amount="500")

    assert response.status_code == 409
    assert response.json() == {
        "code": "closed",
        "detail": "This lot is closed.",
        "current_price": "100.00",
    }


@pytest.mark.parametrize(
    ("bid", "field"),
    [
        ({}, "amount"),
        ({"amount": "lots"}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": "100.001"}, "amount"),
        ({"amount": "1e9"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "120", "key": "7"}, "key"),
    ],
)
def test_unsound_bid_is_answered_with_400(bid: dict, field: str) -> None:
    """What cannot be a bid at all is named by its field."""
    response = _bid(make_lot().pk, **bid)

    assert response.status_code == 400
    assert list(response.json()) == [field]


@pytest.mark.parametrize("path", ["/api/lots/404/", "/api/lots/404/bids/"])
def test_unknown_lot_is_answered_with_404(path: str) -> None:
    """There is nothing at the number of a lot that is not there."""
    assert Client().get(path).status_code == 404


def test_bid_on_an_unknown_lot_is_answered_with_404() -> None:
    """Nor can one bid on it."""
    assert _bid(404, amount="120").status_code == 404


def test_bids_are_listed_newest_first() -> None:
    """The bids on a lot can be read back, as many a page as asked for."""
    lot = make_lot()
    bid_on(lot, 100, 110, 120)

    page = Client().get(f"/api/lots/{lot.pk}/bids/?page_size=2").json()

    assert (page["count"], [bid["sequence"] for bid in page["results"]]) == (3, [3, 2])
