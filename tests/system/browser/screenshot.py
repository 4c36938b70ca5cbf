"""The pictures of the README: `make screenshot` writes them into docs/images."""

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from browser import watching
from browser.house import bid, chromium, open_lot, served_house, sign_in
from harness.example import copied, prepare
from harness.stack import Up

DESKTOP = {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 2}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "color_scheme": "dark",
}
# Before the two meet at the clock, so that there is something to read beside it.
ELSEWHERE = (("Brass sextant", 320), ("Rocking horse", 360), ("Telescope, three draw", 145))
LOT = "Ship's chronometer, 1891"


def main(directory: Path) -> int:
    """Serve the example, have two people bid, and take the pictures."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="b") as place:
        prepare(copied(Path(place)))
        with served_house(Path(place)) as up, chromium() as browser:
            _photograph(browser, up, directory)
            watching.photograph(browser, directory, _write)
    return 0


def _photograph(browser: Browser, up: Up, directory: Path) -> None:
    ada = browser.new_context(base_url=up.url, **DESKTOP).new_page()
    grace = browser.new_context(base_url=up.url, **PHONE).new_page()
    sign_in(ada, "ada")
    sign_in(grace, "grace")
    _bid_elsewhere(grace)
    _bid_war(ada, grace)
    _take(ada, directory / "auction.png")
    # On so small a page a toast would hide the name of the house.
    expect(grace.locator("#toasts")).to_be_empty()
    _take(grace, directory / "auction-phone.png")


def _bid_elsewhere(page: Page) -> None:
    for title, amount in ELSEWHERE:
        open_lot(page, title)
        bid(page, amount)
        expect(page.locator("#standing")).to_have_text("You are winning.")


def _bid_war(ada: Page, grace: Page) -> None:
    for page in (ada, grace):
        open_lot(page, LOT)
    ada.locator("#hood summary").click()
    ada.get_by_role("button", name="What is delivery?").click()
    for number, amount in enumerate(range(475, 626, 25)):
        _bid_and_see((ada, grace)[number % 2], amount, (ada, grace))
    # The reasons take a moment the first time, and by then the toasts are gone but one to come.
    expect(ada.locator("#hood-rows")).to_contain_text("a WebSocket consumer")
    expect(ada.locator("#toasts")).to_be_empty()
    _bid_and_see(grace, 650, (ada, grace))
    # The log counts in whole seconds, and the panel looks every other one.
    busy = ada.locator('#hood-stacks [data-stack="wsgi"] [data-figure="requests"]')
    expect(busy).not_to_have_text("0")


def _bid_and_see(page: Page, amount: int, everybody: tuple[Page, ...]) -> None:
    bid(page, amount)
    for each in everybody:
        expect(each.locator("#price")).to_have_text(f"£{amount}.00")


def _take(page: Page, path: Path) -> None:
    expect(page.locator("#line")).to_have_text("Live")
    _write(page, path)


def _write(page: Page, path: Path) -> None:
    page.evaluate("scrollTo(0, 0)")
    taken = Image.open(BytesIO(page.screenshot(animations="disabled")))
    # 256 colours are enough for pages as flat as these, at a third of the size.
    taken.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
