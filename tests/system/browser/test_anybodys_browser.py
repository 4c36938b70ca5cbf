"""The pages for everybody: on a phone, in the dark, by keyboard, without scripts, offline."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from browser.house import bid, open_lot, put_up

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
GRAVE = {"serious", "critical"}


def test_a_wrong_password_is_an_error_on_the_page(visit) -> None:
    """And the name that was typed stays."""
    page = visit()
    page.goto("/accounts/login/")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("guess")
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    expect(page.get_by_label("User name")).to_have_value("ada")


def test_stranger_is_led_to_the_door_and_back_to_the_lot(visit) -> None:
    """Signing in on the way to a bid does not lose the lot."""
    page = visit()
    open_lot(page, "Persian runner")
    page.locator("#bid").get_by_role("link", name="Sign in to bid").click()
    page.get_by_role("button", name="Sign in as grace").click()

    expect(page.locator("h1")).to_have_text("Persian runner")
    expect(page.get_by_label("Your bid")).to_be_visible()


def test_stream_fills_and_moves_the_cards(visit) -> None:
    """Who only looks at the front page sees each bid of the house."""
    ada, passer_by = visit("ada"), visit()
    passer_by.goto("/")
    expect(passer_by.locator("#line")).to_have_text("Live")
    open_lot(ada, "Studio pottery bowl")

    for amount in (130, 140):
        bid(ada, amount)
        expect(ada.locator("#price")).to_have_text(f"£{amount}.00")

    first = passer_by.locator("#ticker li").first
    expect(first).to_contain_text("£140.00 ada Studio pottery bowl")
    card = passer_by.locator("li.card").filter(has_text="Studio pottery bowl")
    expect(card.locator("[data-price]")).to_have_text("£140.00")
    expect(card.locator("[data-leader]")).to_have_text("ada")


def test_phone_shows_all_without_scrolling_aside(visit) -> None:
    """And its form can be reached, filled and sent, with the panel closed at the foot."""
    page = visit("grace", **PHONE)
    for path in ("/", "/accounts/login/", "/lots/1/"):
        page.goto(path)
        assert _width(page) <= 390, path
    open_lot(page, "Microscope by Watson")
    page.get_by_label("Your bid").tap()
    page.get_by_label("Your bid").fill("240")
    page.get_by_role("button", name="Place bid").tap()

    expect(page.locator("#standing")).to_have_text("You are winning.")
    page.locator("#hood summary").tap()
    expect(page.locator("#hood-now")).to_be_visible()
    assert _width(page) <= 390


def _width(page: Page) -> int:
    return page.evaluate("document.scrollingElement.scrollWidth")


def test_bid_by_keyboard_alone_keeps_the_focus(visit) -> None:
    """From the skip link to the bid placed, and on from there."""
    page = visit("ada")
    open_lot(page, "Quilt, Durham wholecloth")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the lots")).to_be_focused()
    page.keyboard.press("Enter")
    # Nothing but the link moves the focus here.
    expect(page.locator("#main")).to_be_focused()
    page.get_by_label("Your bid").focus()
    page.keyboard.type("200")
    page.keyboard.press("Enter")

    expect(page.locator("#standing")).to_have_text("You are winning.")
    expect(page.get_by_label("Your bid")).to_be_focused()
    expect(page.get_by_label("Your bid")).to_have_value("")


def test_round_sums_are_one_press_away(visit) -> None:
    """They fill the field, and follow the price."""
    page = visit("ada")
    open_lot(page, "Rocking horse")
    page.get_by_role("button", name="£360").click()
    page.keyboard.press("Enter")

    expect(page.locator("#price")).to_have_text("£360.00")
    expect(page.get_by_role("button", name="£370")).to_be_visible()


def test_page_works_without_scripts(visit) -> None:
    """The form posts, and the page that comes back says what became of it."""
    page = visit("grace", java_script_enabled=False)
    page.goto("/")
    page.get_by_role("link", name="Welsh love spoon").click()
    bid(page, 65)

    expect(page.locator("#toasts")).to_contain_text("Your bid of £65.00 is placed.")
    expect(page.locator("#price")).to_have_text("£65.00")


def test_a_page_without_network_is_offline_until_it_returns(visit) -> None:
    """A bid made in the meantime is shown a moment later."""
    # It tries all the same, and Chromium logs each attempt.
    ada, grace = visit("ada", bears=("ERR_INTERNET_DISCONNECTED",)), visit("grace")
    for page in (ada, grace):
        open_lot(page, "Telescope, three draw")
    ada.context.set_offline(True)
    expect(ada.locator("#line")).to_contain_text("Offline")

    bid(grace, 150)
    expect(grace.locator("#price")).to_have_text("£150.00")
    ada.context.set_offline(False)

    expect(ada.locator("#line")).to_have_text("Live")
    expect(ada.locator("#price")).to_have_text("£150.00")


def test_a_browser_that_claims_to_be_offline_is_live_while_it_is_connected(visit) -> None:
    """It knows its network, and not whether this site can be reached."""
    ada = visit("ada")
    ada.add_init_script("Object.defineProperty(navigator, 'onLine', { get: () => false })")
    open_lot(ada, "Telescope, three draw")

    ada.wait_for_timeout(2_000)

    expect(ada.locator("#line")).to_have_text("Live")


def test_a_lot_is_listed_by_its_title(visit, up) -> None:
    """Also one that was put up after the list was fetched."""
    ada, grace = visit("ada"), visit("grace")
    ada.goto("/")
    expect(ada.locator("#line")).to_have_text("Live")
    number = put_up(up, "Late barometer", closes_in_s=600)
    grace.goto(f"/lots/{number}/")
    bid(grace, 20)

    expect(ada.locator("#ticker a").first).to_have_text("Late barometer")


def test_the_last_row_of_the_panel_can_be_reached(visit) -> None:
    """However many there are: the table scrolls, and nothing is cut off below it."""
    ada = visit("ada")
    open_lot(ada, "Telescope, three draw")
    ada.locator("#hood summary").click()
    ada.evaluate(
        "() => { for (let n = 0; n < 60; n += 1) document.dispatchEvent(new CustomEvent('did', "
        "{ detail: { what: `Row ${n}`, path: '/', stack: 'wsgi' } })) }"
    )
    last = ada.locator("#hood-rows tr").last
    last.scroll_into_view_if_needed()

    bottom = ada.evaluate("document.querySelector('.hood-body').getBoundingClientRect().bottom")
    box = last.bounding_box()
    assert box["y"] + box["height"] <= bottom


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_grave(visit, scheme: str) -> None:
    """Labels, contrast, landmarks and roles, on each page and with the panel open."""
    page = visit("ada", color_scheme=scheme)
    found = {}
    open_lot(page, "Ship's chronometer, 1891")
    page.locator("#hood summary").click()
    expect(page.locator("#hood-stacks li").first).to_be_visible()
    found["lot"] = _grave(page)
    page.goto("/")
    expect(page.locator("#line")).to_have_text("Live")
    found["front page"] = _grave(page)
    stranger = visit(color_scheme=scheme)
    stranger.goto("/accounts/login/")
    found["door"] = _grave(stranger)

    assert found == {"lot": [], "front page": [], "door": []}


def _grave(page: Page) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:120]} {node['failureSummary']}"
        for each in violations
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]
