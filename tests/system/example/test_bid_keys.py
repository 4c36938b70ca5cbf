"""A bid that is sent again under its key is one bid."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from lots import a_user, bid_on, make_lot, token_of

from auctions.forms import BidForm
from auctions.models import Bid, Lot
from auctions.services import BidRefused, place_bid

KEY = str(uuid.UUID(int=7))


def _post(lot: Lot, amount: str, *, key: str | None = KEY, name: str = "ada"):
    return Client(headers=token_of(name)).post(
        f"/api/lots/{lot.pk}/bids/", {"amount": amount, "key": key}, content_type="application/json"
    )


def _place(lot: Lot, amount: int, key: uuid.UUID, name: str = "ada") -> Bid:
    return place_bid(lot_id=lot.pk, bidder=a_user(name), amount=Decimal(amount), key=key)


def test_bid_sent_again_is_answered_with_the_first() -> None:
    """The second time is a 200 with the same bid, and there is one bid."""
    lot = make_lot()

    first, second = _post(lot, "120"), _post(lot, "120.00")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert lot.bids.count() == 1


def test_bid_sent_again_stands_though_another_is_higher_or_the_lot_closed() -> None:
    """The response is the outcome of the first request, even if the lot has changed since."""
    lot = make_lot()
    first = _post(lot, "120").json()
    bid_on(lot, 150, bidder="grace")
    Lot.objects.update(status=Lot.Status.CLOSED)

    again = _post(lot, "120")

    assert (again.status_code, again.json()) == (200, first)


def test_refused_bid_leaves_its_key_free() -> None:
    """A key is used up by a bid that was accepted alone."""
    lot = make_lot()
    bid_on(lot, 130, bidder="grace")

    assert [_post(lot, amount).status_code for amount in ("120", "140")] == [409, 201]


@pytest.mark.parametrize(("same_lot", "amount"), [(True, "130"), (False, "120")])
def test_key_of_another_bid_is_a_conflict(same_lot: bool, amount: str) -> None:
    """Another amount or another lot is another bid, and must say so."""
    lot = make_lot()
    _post(lot, "120")

    answer = _post(lot if same_lot else make_lot(), amount)

    assert answer.status_code == 409
    assert answer.json()["code"] == "key_taken"
    assert answer.json()["detail"] == (
        f"This key is that of your bid of 120.00 on lot {lot.pk}: a new bid needs a new key."
    )
    assert Bid.objects.count() == 1


def test_keys_of_two_bidders_are_apart() -> None:
    """Nobody can use up, or find out, somebody else's key."""
    lot = make_lot()

    assert _post(lot, "120").status_code == 201
    assert _post(lot, "130", name="grace").status_code == 201


def test_bids_without_keys_are_as_many_as_are_sent() -> None:
    """A key is nobody's duty."""
    lot = make_lot()

    assert [_post(lot, amount, key=None).status_code for amount in ("120", "130")] == [201, 201]


def test_graphql_answers_with_the_first_as_well() -> None:
    """The mutation takes a key, and a conflict is a refusal."""
    lot = make_lot()
    answers = [_mutate(lot, 120), _mutate(lot, 120), _mutate(lot, 130)]

    bids = [answer["bid"] for answer in answers]
    assert bids == [{"sequence": 1}, {"sequence": 1}, None]
    assert answers[2]["refusal"] == {"code": "key_taken"}


def _mutate(lot: Lot, amount: int) -> dict:
    query = (
        f'mutation {{ placeBid(lot: "{lot.pk}", amount: "{amount}", key: "{KEY}") '
        "{ bid { sequence } refusal { code } } }"
    )
    client = Client(headers=token_of("ada"))
    answer = client.post("/graphql/", {"query": query}, content_type="application/json").json()
    return answer["data"]["placeBid"]


def test_form_hands_on_the_key_of_the_pages_script() -> None:
    """Without a script there is none, and the form is sound."""
    plain, keyed = BidForm({"amount": "120"}), BidForm({"amount": "120", "key": KEY})

    assert plain.is_valid()
    assert keyed.is_valid()
    assert plain.cleaned_data["key"] is None
    assert keyed.cleaned_data == {"amount": Decimal(120), "key": uuid.UUID(KEY)}


def test_many_at_once_under_one_key_are_one_bid() -> None:
    """Of those that come at the same time each is answered with the one that was stored."""
    lot, key = make_lot(), uuid.uuid4()
    a_user()

    bids = _at_once([(lot, 120, key)] * 16)

    assert {bid.pk for bid in bids} == {lot.bids.get().pk}
    assert sorted(bid.is_repeat for bid in bids) == [False] + [True] * 15


def test_one_key_on_many_lots_at_once_is_one_bid_and_conflicts() -> None:
    """There no lot's lock helps: the database knows each key once."""
    lots, key = [make_lot() for _ in range(8)], uuid.uuid4()
    a_user()

    bids = _at_once([(lot, 120, key) for lot in lots])

    assert sorted(map(type, bids), key=str) == sorted([Bid] + [BidRefused] * 7, key=str)
    assert Bid.objects.count() == 1


def _at_once(bids: list[tuple]) -> list[Bid | BidRefused]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda bid: _in_a_thread(*bid), bids))


def _in_a_thread(lot: Lot, amount: int, key: uuid.UUID) -> Bid | BidRefused:
    try:
        return _place(lot, amount, key)
    except BidRefused as refusal:
        return refusal
    finally:
        connection.close()
