"""The page, and the admin."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from lots import bid_on, make_lot


def test_page_shows_the_lots_and_the_first_to_close() -> None:
    """Without being asked for a lot it shows the open one that closes first."""
    make_lot(title="Later", closes_in_s=900)
    make_lot(title="Sooner", closes_in_s=600)
    make_lot(title="Over", closes_in_s=-1)

    page = Client().get("/")

    assert page.context["chosen"].title == "Sooner"
    assert [lot.title for lot in page.context["lots"]] == ["Sooner", "Later", "Over"]


def test_empty_house_says_how_to_fill_it() -> None:
    """With no lots the page still answers."""
    assert "python manage.py sample_data" in Client().get("/").content.decode()


def test_page_carries_no_code_of_its_own() -> None:
    """Scripts and styles are static files of this site, so a strict policy can be set."""
    html = Client().get(f"/?lot={make_lot().pk}").content.decode()

    assert re.findall(r"<script[^>]*>([^<]+)", html) == []
    assert re.findall(r"\son\w+=|\sstyle=|<style", html) == []
    assert set(re.findall(r'(?:src|href)="(https?:)?//', html)) == set()
    assert re.search(r'src="/static/auctions/live\.[0-9a-f]{12}\.js"', html)


def test_form_places_a_bid() -> None:
    """The form works without scripts: the bid is placed and the lot shown again."""
    lot = make_lot()

    page = Client().post(f"/?lot={lot.pk}", {"bidder": "Ada", "amount": "120"}, follow=True)

    assert page.redirect_chain == [(f"/?lot={lot.pk}", 302)]
    assert "Your bid of £120.00 is the highest." in page.content.decode()


def test_refused_bid_is_explained_on_the_page() -> None:
    """A bid that is too low is answered with the reason and the lot as it stands."""
    lot = make_lot()
    bid_on(lot, 150)

    page = Client().post(f"/?lot={lot.pk}", {"bidder": "Ada", "amount": "120"})

    assert page.status_code == 409
    assert "The highest bid is 150.00; yours must be above it." in page.content.decode()
    assert page.context["chosen"].best_bid.bidder == "Ada"


def test_what_people_enter_is_escaped() -> None:
    """A bidder's name cannot become part of the page."""
    lot = make_lot()
    bid_on(lot, 150, bidder="<script>alert(1)</script>")

    assert "<script>alert" not in Client().get(f"/?lot={lot.pk}").content.decode()


@pytest.mark.parametrize("query", ["lot=404", "lot=first", "lot=", "lot=²"])
def test_unknown_lot_is_not_found(query: str) -> None:
    """There is no page for what is not a lot."""
    assert Client().get(f"/?{query}").status_code == 404


def test_form_of_another_site_is_turned_away() -> None:
    """A post without the page's token is refused."""
    lot = make_lot()
    client = Client(enforce_csrf_checks=True)

    assert client.post(f"/?lot={lot.pk}", {"bidder": "A", "amount": "120"}).status_code == 403


@pytest.mark.parametrize("page", ["lot/", "bid/", "seller/", "lot/add/"])
def test_admin_shows_the_house(page: str) -> None:
    """Lots, sellers and bids can be looked at in the admin."""
    bid_on(make_lot(), 100)

    assert _staff().get(f"/admin/auctions/{page}").status_code == 200


def test_admin_edits_a_lot_and_leaves_its_bids_alone() -> None:
    """What the bids have come to is not on the form, nor is the opening price after a bid."""
    lot = make_lot()
    bid_on(lot, 120)
    form = {
        "seller": lot.seller_id,
        "title": "Clock",
        "opening_price": "1",
        "closes_at_0": "2040-01-01",
        "closes_at_1": "12:00",
    }

    response = _staff().post(f"/admin/auctions/lot/{lot.pk}/change/", form)

    lot.refresh_from_db()
    assert response.status_code == 302
    assert (lot.title, lot.opening_price, lot.current_price, lot.last_sequence) == (
        "Clock",
        100,
        120,
        1,
    )


def test_admin_adds_no_bids() -> None:
    """Bids are placed in the house, by its rules."""
    assert _staff().get("/admin/auctions/bid/add/").status_code == 403


def _staff() -> Client:
    User.objects.filter(username="porter").delete()
    client = Client()
    client.force_login(User.objects.create_superuser("porter"))
    return client
