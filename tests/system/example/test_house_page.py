"""The pages, and the admin."""

import re
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from lots import a_user, bid_on, client_of, make_lot

from auctions.models import Bid


def test_front_page_shows_what_closes_first_first() -> None:
    """Open lots by their closing times, and those that are over at the end."""
    make_lot(title="Later", closes_in_s=900)
    make_lot(title="Sooner", closes_in_s=600)
    make_lot(title="Over", closes_in_s=-1)

    page = Client().get("/")

    assert [lot.title for lot in page.context["lots"]] == ["Sooner", "Later", "Over"]


def test_empty_house_says_how_to_fill_it() -> None:
    """With no lots the page still answers."""
    assert "python manage.py sample_data" in Client().get("/").content.decode()


def test_front_page_asks_the_database_once_for_all_lots() -> None:
    """However many lots there are, and once more for the bids of who is signed in."""
    for number in range(5):
        bid_on(make_lot(title=f"Lot {number}"), 100)

    with CaptureQueriesContext(connection) as asked:
        Client().get("/")

    assert len(asked) == 1


@pytest.mark.parametrize("path", ["/", "/lots/{}/", "/accounts/login/"])
def test_pages_have_no_inline_code(path: str) -> None:
    """Scripts and styles are static files of this site, and a header forbids all others."""
    page = client_of().get(path.format(make_lot().pk), follow=True)
    html = page.content.decode()

    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'; base-uri")
    assert re.findall(r"<script[^>]*>([^<]+)", html) == []
    assert re.findall(r"\son\w+=|\sstyle=|<style", html) == []
    assert set(re.findall(r'(?:src|href)="(https?:)?//', html)) == set()
    assert re.search(r'src="/static/auctions/js/house\.[0-9a-f]{12}\.js"', html)


def test_scripts_import_one_another_by_hashed_names() -> None:
    """An import of a plain name would be kept by browsers after the script has changed."""
    scripts = list(settings.STATIC_ROOT.glob("auctions/js/lot.*.js"))
    imported = re.findall(r'from "([^"]+)"', scripts[0].read_text())

    assert len(imported) > 3
    assert [name for name in imported if not re.fullmatch(r"\./\w+\.[0-9a-f]{12}\.js", name)] == []


@pytest.mark.parametrize(
    ("given", "shown"), [("brass-sextant", "brass-sextant"), ("", "any"), ("no-such", "any")]
)
def test_each_lot_has_a_picture(given: str, shown: str) -> None:
    """Its own, or the one of any lot."""
    html = Client().get(f"/lots/{make_lot(picture=given).pk}/").content.decode()

    assert re.search(rf"/static/auctions/pictures/{shown}\.[0-9a-f]{{12}}\.svg", html)


def test_form_places_a_bid() -> None:
    """The form works without scripts: the bid is placed and the lot shown again."""
    lot = make_lot()

    page = client_of().post(f"/lots/{lot.pk}/", {"amount": "120"}, follow=True)

    assert page.redirect_chain == [(f"/lots/{lot.pk}/", 302)]
    assert "Your bid of £120.00 is placed." in page.content.decode()
    assert "You are winning." in page.content.decode()


def test_form_sent_twice_is_one_bid() -> None:
    """A page's form has a key, so an impatient double click places one bid."""
    lot = make_lot()
    client = client_of()
    key = client.get(f"/lots/{lot.pk}/").context["key"]

    answers = [client.post(f"/lots/{lot.pk}/", {"amount": "120", "key": key}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert Bid.objects.count() == 1


def test_refused_bid_is_explained_on_the_page() -> None:
    """A bid that is too low is answered with the reason and the lot as it stands."""
    lot = make_lot()
    bid_on(lot, 150, bidder="grace")

    page = client_of().post(f"/lots/{lot.pk}/", {"amount": "120", "key": uuid4()})

    assert page.status_code == 409
    assert "The highest bid is 150.00; yours must be above it." in page.content.decode()
    assert page.context["lot"].best_bid.bidder.username == "grace"


def test_refused_bid_gets_a_new_key() -> None:
    """Under the old one the next amount could be taken for the first bid sent again."""
    key = uuid4()
    page = client_of().post(f"/lots/{make_lot().pk}/", {"amount": "1", "key": key})

    assert page.status_code == 409
    assert page.context["key"] != key


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("", "Enter an amount in pounds and pence, such as 12.50."),
        ("twelve", "Enter an amount in pounds and pence, such as 12.50."),
        ("1.234", "Enter an amount in pounds and pence, such as 12.50."),
        ("0", "Bid at least a penny."),
        ("-5", "Bid at least a penny."),
        ("123456789", "No lot is worth that much: bid less than 100 million pounds."),
    ],
)
def test_an_invalid_amount_is_explained_on_the_page(amount: str, reason: str) -> None:
    """The form comes back with the reason, and nothing is placed; the API has the same words."""
    lot, client = make_lot(), client_of()
    page = client.post(f"/lots/{lot.pk}/", {"amount": amount})
    api = client.post(f"/api/lots/{lot.pk}/bids/", {"amount": amount}, "application/json")

    assert page.status_code == 400
    assert page.context["form"].errors["amount"] == [reason]
    assert (api.status_code, api.json()["amount"]) == (400, [reason])
    assert not Bid.objects.exists()


def test_bid_of_a_stranger_leads_to_the_door() -> None:
    """Who is not signed in is taken to the sign-in page, and back to the lot."""
    lot = make_lot()
    answer = Client().post(f"/lots/{lot.pk}/", {"amount": "120"})

    assert answer.headers["Location"] == f"/accounts/login/?next=/lots/{lot.pk}/"
    assert "Sign in to bid" in Client().get(f"/lots/{lot.pk}/").content.decode()


def test_page_says_who_is_outbid() -> None:
    """On the lot and on its card: to the one who was, and to nobody else."""
    lot = make_lot()
    bid_on(lot, 100)
    bid_on(lot, 110, bidder="grace")

    def standings(client: Client) -> list[str]:
        pages = [client.get(path).content.decode() for path in ("/", f"/lots/{lot.pk}/")]
        return re.findall(r'class="standing"[^>]* data-standing="(\w*)"', "".join(pages))

    assert standings(client_of("ada")) == ["outbid", "outbid"]
    assert standings(client_of("grace")) == ["winning", "winning"]
    assert standings(client_of("edith")) == standings(Client()) == ["", ""]


def test_closed_lot_takes_no_bid() -> None:
    """It says so, and there is no form."""
    lot = make_lot(closes_in_s=-1)
    page = client_of().post(f"/lots/{lot.pk}/", {"amount": "120"})

    assert page.status_code == 409
    assert 'id="bid"' not in page.content.decode()
    assert "Closed without a bid" in page.content.decode()


def test_what_people_enter_is_escaped() -> None:
    """A bidder's name cannot become part of the page."""
    lot = make_lot(title="<script>alert(1)</script>")
    bid_on(lot, 150, bidder="<script>alert(2)</script>")

    for path in ("/", f"/lots/{lot.pk}/"):
        assert "<script>alert" not in Client().get(path).content.decode()


def test_old_link_leads_to_the_lots_page() -> None:
    """`/?lot=7` is in people's bookmarks."""
    answer = Client().get(f"/?lot={make_lot().pk}")

    assert answer.status_code == 301
    assert Client().get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize("path", ["/?lot=first", "/?lot=", "/?lot=²", "/lots/404/"])
def test_unknown_lot_is_not_found(path: str) -> None:
    """There is no page for what is not a lot."""
    assert Client().get(path).status_code == 404


def test_form_of_another_site_is_turned_away() -> None:
    """A post without the page's token is refused."""
    client = client_of(enforce_csrf_checks=True)

    assert client.post(f"/lots/{make_lot().pk}/", {"amount": "120"}).status_code == 403


def test_door_lets_in_who_knows_the_password() -> None:
    """And leads back to where the visitor came from."""
    _with_password("ada", "first-programmer")
    form = {"username": "ada", "password": "first-programmer", "next": "/lots/1/"}

    assert Client().post("/accounts/login/", form).headers["Location"] == "/lots/1/"


def test_wrong_password_is_reported_at_the_door() -> None:
    """Once, for the whole form: it does not reveal which of the two was wrong."""
    _with_password("ada", "first-programmer")
    page = Client().post("/accounts/login/", {"username": "ada", "password": "guess"})

    assert "correct username and password" in page.content.decode()


@pytest.mark.parametrize("is_demo", [True, False])
def test_only_the_demo_names_its_users(is_demo: bool) -> None:
    """On the page where anybody can read it; and only those that exist."""
    _with_password("ada", "first-programmer")

    with override_settings(IS_DEMO=is_demo):
        html = Client().get("/accounts/login/").content.decode()

    assert ("first-programmer" in html) is is_demo
    assert "first-compiler" not in html


def _with_password(name: str, password: str) -> None:
    user = a_user(name)
    user.set_password(password)
    user.save()


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
