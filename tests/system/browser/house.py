"""The example with a house, served, and a browser to walk in with."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from harness.example import in_shell
from harness.stack import Up, free_port

# Chromium without windows: a page costs a quarter of the CPU time.
PROGRAM = "chromium-headless-shell"
# What Debian's Chromium does unasked in the background has no place in a test.
ARGS = ("--disable-quic", "--disable-background-networking", "--disable-sync")

expect.set_options(timeout=15_000)


@contextmanager
def served_house(directory: Path) -> Iterator[Up]:
    """Serve the example that was prepared in ``directory``."""
    shipping = f"http://127.0.0.1:{free_port()}"
    with Up(directory, environment={"SHIPPING_URL": shipping}) as up:
        yield up


def put_up(up: Up, title: str, closes_in_s: float) -> int:
    """Put up one more lot while the house is open, and return its number."""
    code = (
        "from datetime import timedelta; from django.utils import timezone; "
        "from auctions.models import Lot, Seller; "
        f"closes = timezone.now() + timedelta(seconds={closes_in_s}); "
        f"lot = Lot.objects.create(title={title!r}, seller=Seller.objects.first(), "
        "opening_price=10, closes_at=closes); print(lot.pk)"
    )
    return int(in_shell(up.directory, code).split()[-1])


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium; without it the tests fail, for they would prove nothing."""
    program = shutil.which(PROGRAM)
    assert program is not None, f"make installs {PROGRAM}: run the tests by `make test`"
    sandboxed = [] if os.geteuid() else ["--no-sandbox"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*ARGS, *sandboxed])
        yield browser
        browser.close()


def sign_in(page: Page, user: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_role("button", name=f"Sign in as {user}").click()
    expect(page.get_by_text(f"Bidding as {user}")).to_be_visible()


def open_lot(page: Page, title: str) -> None:
    """Find the lot on the front page, go there, and wait until it is live."""
    page.goto("/")
    page.get_by_role("link", name=title).first.click()
    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator("#line")).to_have_text("Live")


def bid(page: Page, amount: int) -> None:
    page.get_by_label("Your bid").fill(str(amount))
    page.get_by_role("button", name="Place bid").click()


def bids_shown(page: Page) -> list[str]:
    """Return the page's history as "£120.00 ada", newest first."""
    return page.locator("#bids li").evaluate_all(
        "items => items.map(item => item.textContent.trim().split(/\\s+/).slice(0, 2).join(' '))"
    )


def bids_stored(page: Page) -> list[str]:
    """Return the lot's bids as the API has them, in the same form."""
    lot = page.locator("#lot").get_attribute("data-lot")
    answer = page.request.get(f"/api/lots/{lot}/bids/?page_size=1000").json()
    return [f"£{float(each['amount']):,.2f} {each['bidder']}" for each in answer["results"]]
