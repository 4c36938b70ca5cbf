"""The Graphene API: the same rules as the REST API."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lots import bid_on, make_lot, token_of

PLACE_BID = """
mutation ($lot: ID!, $amount: Decimal!) {
  placeBid(lot: $lot, amount: $amount) {
    bid { sequence bidder amount }
    refusal { code detail currentPrice }
  }
}
"""


def _ask(query: str, client: Client | None = None, **variables) -> dict:
    body = {"query": query, "variables": variables}
    return (client or Client()).post("/graphql/", body, content_type="application/json").json()


def _bid(lot: int | str, amount: str) -> dict:
    return _ask(PLACE_BID, Client(headers=token_of("ada")), lot=lot, amount=amount)


def test_lots_take_one_query() -> None:
    """Sellers and best bids come along in the join, not one by one."""
    for number in range(5):
        bid_on(make_lot(title=f"Lot {number}"), 100)

    with CaptureQueriesContext(connection) as queries:
        answer = _ask("{ lots { title status seller { name } bestBid { amount bidder } } }")

    assert len(queries) == 1
    assert answer["data"]["lots"][0] == {
        "title": "Lot 0",
        "status": "open",
        "seller": {"name": "The Clock Room"},
        "bestBid": {"amount": "100.00", "bidder": "ada"},
    }


def test_lots_come_in_pages() -> None:
    """first and offset bound what is read."""
    for number in range(3):
        make_lot(title=f"Lot {number}")

    answer = _ask("{ lots(first: 1, offset: 1) { title } }")

    assert answer == {"data": {"lots": [{"title": "Lot 1"}]}}


def test_lot_and_its_bids() -> None:
    """One lot by its number, and its bids, newest first."""
    lot = make_lot()
    bid_on(lot, 100, 110)

    answer = _ask(f'{{ lot(id: "{lot.pk}") {{ title }} bids(lot: "{lot.pk}") {{ sequence }} }}')

    assert answer["data"] == {
        "lot": {"title": "Longcase clock"},
        "bids": [{"sequence": 2}, {"sequence": 1}],
    }


def test_bid_is_placed() -> None:
    """An accepted bid is answered with the bid."""
    answer = _bid(make_lot().pk, "120")

    assert answer["data"]["placeBid"] == {
        "bid": {"sequence": 1, "bidder": "ada", "amount": "120.00"},
        "refusal": None,
    }


def test_refused_bid_says_why() -> None:
    """A bid not above the highest is refused with the words the REST API uses."""
    lot = make_lot()
    bid_on(lot, 120)

    answer = _bid(lot.pk, "120")

    assert answer["data"]["placeBid"] == {
        "bid": None,
        "refusal": {
            "code": "too_low",
            "detail": "The highest bid is 120.00; yours must be above it.",
            "currentPrice": "120.00",
        },
    }


@pytest.mark.parametrize(
    ("lot", "amount", "message"),
    [
        ("404", "120", "There is no such lot."),
        ("first", "120", '"first" is not the number of a lot.'),
        (None, "0", "The bid is not valid."),
    ],
)
def test_impossible_bid_is_an_error(lot: str | None, amount: str, message: str) -> None:
    """What cannot be a bid at all is a GraphQL error."""
    answer = _bid(lot or make_lot().pk, amount)

    assert [error["message"] for error in answer["errors"]] == [message]
