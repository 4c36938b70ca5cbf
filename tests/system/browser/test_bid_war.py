"""Two people at one lot, in two browsers."""

import subprocess
import sys
import time

import pytest
from playwright.sync_api import Page, Route, expect

from browser.house import bid, bids_shown, bids_stored, open_lot, put_up
from harness.stack import Up, clean_environment


def test_two_see_each_others_bids_at_once(visit) -> None:
    """Price, leader, history and standing change on both pages, without a reload."""
    ada, grace = visit("ada"), visit("grace")
    for page in (ada, grace):
        open_lot(page, "Brass sextant")

    bid(ada, 320)
    expect(grace.locator("#price")).to_have_text("£320.00")
    bid(grace, 330)

    for page in (ada, grace):
        expect(page.locator("#price")).to_have_text("£330.00")
        expect(page.locator("#leader")).to_have_text("grace")
        expect(page.locator("#bids li")).to_have_count(2)
    expect(ada.locator("#standing")).to_have_text("You are outbid.")
    expect(ada.locator("#toasts")).to_contain_text("grace has outbid you: £330.00.")
    expect(grace.locator("#standing")).to_have_text("You are winning.")


def test_page_says_how_many_watch(visit) -> None:
    """One more as somebody comes, one less as somebody goes."""
    ada, passer_by = visit("ada"), visit()
    for page in (ada, passer_by):
        open_lot(page, "Enamel kitchen scales")

    expect(ada.locator("#watching")).to_have_text("2 watching")
    passer_by.close()
    expect(ada.locator("#watching")).to_have_text("1 watching")


def test_bid_overtaken_on_its_way_is_refused_with_the_reason(visit) -> None:
    """The page had not heard of the higher bid yet; what was typed stays, to be changed."""
    ada, grace = visit("ada", bears=("409",)), visit("grace")
    for page in (ada, grace):
        open_lot(page, "Leather club chair")
    # The browser itself would refuse: let it believe what the page showed a moment ago.
    ada.locator("#amount").evaluate("input => input.form.noValidate = true")

    bid(grace, 400)
    expect(ada.locator("#price")).to_have_text("£400.00")
    bid(ada, 350)

    reason = "The highest bid is 400.00; yours must be above it."
    expect(ada.get_by_role("alert")).to_have_text(reason)
    expect(ada.locator("#amount")).to_be_focused()
    expect(ada.locator("#amount")).to_have_value("350")


def test_bid_whose_answer_is_lost_is_placed_once(visit) -> None:
    """The page sends it again, with the same key, and shows the one bid."""
    ada = visit("ada", bears=("502",))
    open_lot(ada, "Silver vesta case")
    keys = []

    def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.post_data_json["key"])
        answer = route.fetch()
        if len(keys) == 1:
            route.fulfill(status=502, body="lost")
        else:
            route.fulfill(response=answer)

    ada.route("**/api/lots/*/bids/", lose_the_first_answer)
    bid(ada, 80)

    expect(ada.locator("#toasts")).to_contain_text("Your bid of £80.00 is placed.")
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert bids_stored(ada) == bids_shown(ada) == ["£80.00 ada"]


def test_lot_closes_on_the_page(visit, up: Up) -> None:
    """The form goes, and each page shows how it ended for its user."""
    ada, grace = visit("ada"), visit("grace")
    number = put_up(up, "Last minute clock", closes_in_s=6)
    for page in (ada, grace):
        page.goto(f"/lots/{number}/")
        expect(page.locator("#line")).to_have_text("Live")

    for page in (ada, grace):
        expect(page.locator("#closing")).to_have_text("Closed without a bid")
        expect(page.locator("#bid")).to_have_count(0)


def test_bid_in_the_last_minutes_puts_the_closing_off(visit, up: Up) -> None:
    """On everybody's page, for they have two minutes more to answer."""
    ada, passer_by = visit("ada"), visit()
    number = put_up(up, "Nearly gone", closes_in_s=60)
    for page in (ada, passer_by):
        page.goto(f"/lots/{number}/")
        expect(page.locator("#line")).to_have_text("Live")

    bid(ada, 20)

    expect(passer_by.locator("#closing")).to_contain_text("Closes in 1 min 5")


@pytest.mark.timeout(240)
def test_reload_during_a_bid_war_loses_no_bid(visit, up: Up) -> None:
    """Every bid that a page called placed is stored, and both pages show all of them."""
    ada, grace = visit("ada"), visit("grace")
    for page in (ada, grace):
        open_lot(page, "Model pond yacht")

    placed = _war(ada, grace, up)

    assert len(placed) >= 10
    assert bids_stored(ada) == placed[::-1]
    for page in (ada, grace):
        expect(page.locator("#hood-rows")).to_contain_text("WebSocket again")
        expect(page.locator("#line")).to_have_text("Live")
        expect(page.locator("#bids li")).to_have_count(min(50, len(placed)))
        assert bids_shown(page) == placed[::-1][:50]


def _war(ada: Page, grace: Page, up: Up) -> list[str]:
    """Have them bid in turns until a reload is over and the old generation gone, and on."""
    reload = subprocess.Popen(
        [sys.executable, "-m", "django_tandem", "reload", "--drain", "3", "--wait"],
        cwd=up.directory,
        env=clean_environment() | up.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    placed, until, rounds_after = [], time.monotonic() + 180, 0
    while rounds_after < 2:
        assert time.monotonic() < until, f"the reload did not end: {placed[-3:]}"
        for name, page in (("ada", ada), ("grace", grace)):
            amount = 100 + len(placed)
            bid(page, amount)
            expect(page.locator("#price")).to_have_text(f"£{amount}.00")
            placed.append(f"£{amount}.00 {name}")
        rounds_after += reload.poll() is not None
        # Not as fast as can be: the new generation needs the machine too, to start on.
        ada.wait_for_timeout(250)
    assert reload.wait() == 0, reload.stdout.read()
    return placed
