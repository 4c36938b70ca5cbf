"""The panel under the hood shows the true state of both stacks."""

import json
import re

from playwright.sync_api import Page, expect

from browser.house import bid, open_lot
from harness.stack import Up, tandem


def _row(page: Page, what: str, path: str) -> list[str]:
    """Return the cells of one thing that the page did."""
    row = (
        page.locator("#hood-rows tr")
        .filter(has_text=what)
        .filter(has=page.locator(f'text="{path}"'))
    )
    expect(row).to_be_visible()
    return [cell.strip() for cell in row.locator("td").all_inner_texts()]


def test_each_event_has_its_stack_and_reason(visit) -> None:
    """As `tandem plan` has it, and by the headers of the answers themselves."""
    ada = visit("ada")
    open_lot(ada, "Opera glasses")
    ada.locator("#hood summary").click()
    bid(ada, 50)
    ada.get_by_role("button", name="What is delivery?").click()
    number = ada.locator("#lot").get_attribute("data-lot")
    # The first who opens the panel waits for `tandem plan`.
    expect(ada.locator("#hood-rows")).to_contain_text("a WebSocket consumer")

    reported = {
        (what, path): _row(ada, what, path)
        for what, path in [
            ("Page load", f"/lots/{number}/"),
            ("Pictures, styles, scripts", "/static/…"),
            ("API: bid", f"/api/lots/{number}/bids/"),
            ("API: delivery", f"/api/shipping/{number}/"),
            ("Event stream open", "/events/bids/"),
            ("WebSocket open", f"/ws/lots/{number}/"),
        ]
    }

    assert [(row[0], row[3]) for row in reported.values()] == [
        ("WSGI", "a synchronous view"),
        ("edge", "a file: NGINX sends it, no Python runs"),
        ("WSGI", "a synchronous view"),
        ("ASGI", "an async view"),
        ("ASGI", "an async view"),
        ("ASGI", "a WebSocket consumer"),
    ]
    assert re.fullmatch(r"\d+ \(Django \d+\)", reported[("Page load", f"/lots/{number}/")][2])


def test_both_stacks_are_shown_as_status_has_them(visit, up: Up) -> None:
    """The same processes under the same numbers, and how many connections they hold."""
    page = visit()
    open_lot(page, "Barograph")
    page.locator("#hood summary").click()
    cards = page.locator("#hood-stacks article")
    expect(cards.first.locator("li").first).to_contain_text("ready")

    reported = json.loads(tandem(up.directory, "status", "--json").stdout)
    pids = {row["program"]: row["pid"] for row in reported["processes"] if not row["kinds"]}
    kinds = {kind["name"] for row in reported["processes"] for kind in row["kinds"]}
    text = " ".join(cards.all_inner_texts())
    shown = dict(re.findall(r"(\S+) ready pid (\d+)", text))

    assert {name: int(pid) for name, pid in shown.items()} == pids
    # The kinds of a shared master's workers stand for the master.
    assert kinds <= set(re.findall(r"(\S+) ready", text))
    # This page's socket and its event stream.
    open_on_asgi = cards.nth(1).locator('[data-figure="open"]')
    assert int(open_on_asgi.inner_text()) >= 2
    expect(cards.first.locator('[data-figure="requests"]')).to_have_text(re.compile(r"^[\d.]+$"))


def test_panel_stays_as_it_was_left(visit) -> None:
    """Open on the next page too, when it was open on this one."""
    page = visit()
    page.goto("/")
    expect(page.locator("#hood-now")).not_to_be_visible()
    page.locator("#hood summary").click()
    page.goto("/accounts/login/")

    expect(page.locator("#hood-now")).to_be_visible()
