"""Who may bid: over REST and GraphQL, by a session or by a token."""

import asyncio

import pytest
from django.test import AsyncClient, Client
from lots import a_user, bid_on, client_of, make_lot, token_of

from auctions.models import Bid

PLACE = 'mutation { placeBid(lot: "%s", amount: "120") { bid { bidder } refusal { code } } }'


def _rest(client: Client, lot_id: int, headers: dict[str, str] | None = None, **more):
    path, body = f"/api/lots/{lot_id}/bids/", {"amount": "120", **more}
    return client.post(path, body, content_type="application/json", headers=headers)


def _graphql(client: Client, query: str, path: str = "/graphql/", **more):
    return client.post(path, {"query": query}, content_type="application/json", **more)


def _csrf_token(client: Client) -> dict[str, str]:
    """Take a token as a page of the house gives one."""
    client.get("/admin/login/")
    return {"X-CSRFToken": client.cookies["csrftoken"].value}


def test_anonymous_bid_is_refused_with_what_to_do() -> None:
    """An anonymous user gets a message, and nothing is stored."""
    response = _rest(Client(), make_lot().pk)

    assert (response.status_code, response.json()) == (401, {"detail": "Sign in to bid."})
    assert not Bid.objects.exists()


def test_anonymous_bid_over_graphql_is_an_error() -> None:
    """So is a bid over GraphQL."""
    answer = _graphql(Client(), PLACE % make_lot().pk).json()

    assert [error["message"] for error in answer["errors"]] == ["Sign in to bid."]
    assert not Bid.objects.exists()


def test_wrong_token_is_refused() -> None:
    """A token that nobody has is not taken for nobody."""
    client = Client(headers={"Authorization": "Token 0000"})
    lot = make_lot()

    assert (_rest(client, lot.pk).status_code, Bid.objects.count()) == (401, 0)
    assert _graphql(client, PLACE % lot.pk).json()["errors"][0]["message"] == "Invalid token."


def test_nobody_bids_under_another_name() -> None:
    """The bidder is the signed-in user, also if the request names another."""
    a_user("grace")

    response = _rest(client_of("ada"), make_lot().pk, bidder="grace")

    assert (response.status_code, response.json()["bidder"]) == (201, "ada")


@pytest.mark.parametrize("path", ["/api/lots/", "/api/lots/%s/", "/api/lots/%s/bids/"])
def test_everything_is_open_to_readers(path: str) -> None:
    """Reading takes no signing in."""
    lot = make_lot()
    bid_on(lot, 100)

    assert Client().get(path.replace("%s", str(lot.pk))).status_code == 200


def test_session_needs_the_pages_token() -> None:
    """A page elsewhere that makes a visitor's browser bid is refused; the house's own is not."""
    client = client_of("ada", enforce_csrf_checks=True)
    lot = make_lot()

    assert _rest(client, lot.pk).status_code == 403
    assert _graphql(client, PLACE % lot.pk).status_code == 403
    assert not Bid.objects.exists()
    assert _rest(client, lot.pk, headers=_csrf_token(client)).status_code == 201


def test_session_and_the_pages_token_bid_over_graphql() -> None:
    """The mutation is the session's user's."""
    client = client_of("ada", enforce_csrf_checks=True)

    answer = _graphql(client, PLACE % make_lot().pk, headers=_csrf_token(client)).json()

    assert answer["data"]["placeBid"]["bid"] == {"bidder": "ada"}


@pytest.mark.parametrize("path", ["/graphql/", "/strawberry/"])
def test_readers_without_a_session_need_no_token_of_a_page(path: str) -> None:
    """GraphQL clients that are no browsers go on as ever, on either stack's view."""
    lot = make_lot()
    bid_on(lot, 100)
    client = Client(enforce_csrf_checks=True)

    answer = _graphql(client, f"{{ bids(lot: {lot.pk}) {{ bidder }} }}", path).json()

    assert answer == {"data": {"bids": [{"bidder": "ada"}]}}


def test_strawberry_asks_sessions_for_the_pages_token() -> None:
    """Its view is a coroutine, and the check is made on it as well."""
    client = client_of("ada")
    crossed = AsyncClient(enforce_csrf_checks=True)
    crossed.cookies = client.cookies

    async def scenario() -> int:
        body = {"query": "{ bids { bidder } }"}
        response = await crossed.post("/strawberry/", body, content_type="application/json")
        return response.status_code

    assert asyncio.run(scenario()) == 403


def test_token_bids_without_a_session() -> None:
    """`manage.py drf_create_token ada` is all that an API client needs, CSRF token or not."""
    client = Client(enforce_csrf_checks=True, headers=token_of("grace"))
    lot = make_lot()

    assert _rest(client, lot.pk).json()["bidder"] == "grace"
    answer = _graphql(client, (PLACE % lot.pk).replace("120", "130")).json()
    assert answer["data"]["placeBid"]["bid"] == {"bidder": "grace"}


def test_who_was_barred_can_no_longer_bid() -> None:
    """An inactive user's token is refused."""
    ada = a_user("ada")
    headers = token_of("ada")
    ada.is_active = False
    ada.save()

    assert _rest(Client(headers=headers), make_lot().pk).status_code == 401
