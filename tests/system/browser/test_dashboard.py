"""The dashboard in a browser: by keyboard, on a phone, in the dark, and without a monitor."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http import HTTPStatus

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from django_tandem.monitor.dashboard import file_pages
from django_tandem.monitor.snapshot import Snapshot
from django_tandem.runtime.probes.http_server import json_response
from harness.history import hour
from harness.monitored import NOW, pages_of, sample, serving, shifted
from harness.stack import free_port

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
GAUGES = [
    {
        "at": NOW - 60 * minute,
        "stack": stack,
        "queue_length": minute % 5,
        "workers_busy": minute % 4,
        "websockets": 100,
        "streams": 12,
        "lag_s": 0.004 if stack == "asgi" else None,
    }
    for minute in range(50, 0, -1)
    for stack in ("asgi", "wsgi")
]

Show = Callable[..., Page]


@contextmanager
def served(snapshot: Snapshot, without: str = "none", **others: object) -> Iterator[str]:
    """Serve the dashboard's files but those ``without`` which it is tested."""
    port = free_port()
    data = {"history": hour(), "gauges": GAUGES} | others
    files = {path: page for path, page in file_pages().items() if without not in path}
    with serving({**files, **pages_of(snapshot, **data)}, f"127.0.0.1:{port}"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(sample()) as served_at:
        yield served_at


@pytest.fixture
def show(browser: Browser) -> Iterator[Show]:
    """Open the dashboard; errors of the console and requests to other origins fail the test."""
    complaints: list[str] = []
    with ExitStack() as contexts:

        def opened(url: str, *, bears: str = "nothing at all", **options) -> Page:
            context = browser.new_context(reduced_motion="reduce", **options)
            contexts.callback(context.close)
            page = context.new_page()
            page.on(
                "console",
                lambda message: (
                    complaints.append(message.text)
                    if message.type in ("error", "warning") and bears not in message.text
                    else None
                ),
            )
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "request",
                lambda request: (
                    complaints.append(request.url)
                    if not request.url.startswith(url.partition("/?")[0])
                    else None
                ),
            )
            page.goto(url)
            return page

        yield opened
    assert complaints == []


def settled(page: Page) -> Page:
    expect(page.locator("#state-text")).to_have_text("Live")
    expect(page.locator("#chart-busy canvas")).to_be_visible()
    return page


def test_a_shift_shows_its_share_and_both_sides(show) -> None:
    """Without one, the section is hidden."""
    taken_back = shifted(
        route="/api/lots/", state="rolled back", percent=0, reason="4 of 4 requests failed on ASGI."
    )
    with served(sample(shifts=(shifted(), taken_back))) as url, served(sample()) as without:
        page = settled(show(url))
        rows = page.locator("#shift-rows li")
        expect(rows.nth(0)).to_contain_text("/reports/<int:year>/")
        expect(rows.nth(0)).to_contain_text("5 % on ASGI · running, step 2 of 5")
        expect(rows.nth(0)).to_contain_text(
            "ASGI: 412 requests, 0 failed, p95 131 ms · WSGI: 7,911 requests, 3 failed, p95 140 ms"
        )
        expect(rows.nth(0).get_by_role("progressbar")).to_have_attribute("value", "5")
        expect(rows.nth(1)).to_contain_text("0 % on ASGI · rolled back")
        expect(rows.nth(1)).to_contain_text("4 of 4 requests failed on ASGI.")
        assert Axe().run(page).response["violations"] == []
        expect(settled(show(without)).locator("#shifts")).to_be_hidden()


def test_it_shows_what_the_snapshot_has(show, url) -> None:
    """Both stacks, each worker with its URL, the routes, the slow requests, and the marks."""
    page = settled(show(url))

    expect(page.locator('article[data-stack="wsgi"]')).to_contain_text("812 requests/s")
    expect(page.locator('article[data-stack="wsgi"]')).to_contain_text("2 of 64")
    expect(page.locator('article[data-stack="asgi"]')).to_contain_text("WebSockets104")
    expect(page.locator("#workers li").first).to_contain_text("GET /reports/2026/")
    expect(page.locator("#workers li").first).to_contain_text("2.4 s")
    expect(page.locator("#workers li").nth(3)).to_contain_text("idle")
    expect(page.locator("#route-rows tr")).to_have_count(6)
    expect(page.locator("#finished")).to_contain_text("27.2 s on the CPU")
    page.get_by_text("Starts and reloads").click()
    expect(page.locator("#mark-rows")).to_contain_text("Generation 3 is live.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(show, url, scheme) -> None:
    """In both schemes, with everything open."""
    page = settled(show(url, color_scheme=scheme))
    page.get_by_text("Starts and reloads").click()
    page.get_by_role("button", name="/api/lots/", exact=True).click()

    found = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


def test_a_phone_scrolls_the_table_alone_aside(show, url) -> None:
    """The page is as wide as the screen, and no text is smaller than 12 pixels."""
    page = settled(show(url, **PHONE))

    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('main *')]"
        ".map(each => parseFloat(getComputedStyle(each).fontSize)))"
    )
    assert smallest >= 12


def test_the_keyboard_sorts_filters_and_reads_the_charts(show, url) -> None:
    """And the focus stays where it is while the figures change."""
    page = settled(show(url))
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the routes")).to_be_focused()
    header = page.get_by_role("button", name="Err/s")
    header.focus()
    page.keyboard.press("Enter")
    expect(page.locator('th[data-column="errors_per_s"]')).to_have_attribute(
        "aria-sort", "descending"
    )
    expect(page.locator("#route-rows tr").first).to_contain_text("/reports/<int:year>/")
    expect(header).to_be_focused()

    chart = page.locator("#chart-rate")
    before = chart.get_attribute("aria-label")
    chart.focus()
    page.keyboard.press("ArrowLeft")
    expect(chart).not_to_have_attribute("aria-label", before)
    assert re.fullmatch(
        r"Requests per second at [\d:]{8}: WSGI [\d.,]+, ASGI [\d.,]+",
        chart.get_attribute("aria-label"),
    )
    page.keyboard.press("Escape")
    expect(chart).to_have_attribute("aria-label", before)

    page.get_by_label("Filter").fill("SHIPPING")
    expect(page.locator("#route-rows tr")).to_have_count(1)
    page.get_by_label("Filter").fill("moon")
    expect(page.locator("#no-routes")).to_have_text('No route matches "moon".')


def test_a_route_has_the_charts_to_itself(show, url) -> None:
    """Until all routes are shown again."""
    page = settled(show(url))
    rate = page.locator("#chart-rate")
    page.get_by_role("button", name="/api/shipping/<int:pk>/").click()

    expect(page.locator("#focus-route")).to_have_text("/api/shipping/<int:pk>/")
    expect(rate).to_have_attribute("aria-label", re.compile("WSGI 0, ASGI 96.0$"))
    page.get_by_role("button", name="Show all routes").click()
    expect(rate).to_have_attribute("aria-label", re.compile("WSGI 812, ASGI 96.0$"))


def test_an_hour_is_drawn_from_the_history(show, url) -> None:
    """The first point is an hour old, the last one is now."""
    page = settled(show(url))
    rate = page.locator("#chart-rate")
    rate.focus()
    page.keyboard.press("Home")
    expect(rate).to_have_attribute("aria-label", re.compile("WSGI [1-9]"))

    first = _records(int(NOW // 60) - 60, "wsgi")
    requests = sum(sum(each["statuses"].values()) for each in first)
    label = rate.get_attribute("aria-label")
    assert f"WSGI {round(requests / 60):,}" in label


def _records(minute: int, stack: str) -> list[dict]:
    return [each for each in hour() if each["minute"] == minute and each["stack"] == stack]


def test_a_new_stack_has_empty_states(show) -> None:
    """Sentences instead of tables, and no error without a history."""
    idle = replace(sample(), stacks=(), routes=(), workers=(), slow=(), marks=(), started_at=NOW)
    with served(idle, history=[], gauges=[]) as url:
        page = show(url)

        expect(page.locator("#no-routes")).to_have_text("No request in the last minute.")
        for sentence in (
            "No worker has reported yet.",
            "No request is in progress.",
            "No request has finished yet.",
        ):
            expect(page.get_by_text(sentence)).to_be_visible()
        assert Axe().run(page).response["violations"] == []


def test_without_uplot_the_figures_are_there(show) -> None:
    """A package that was built without it has no charts, and all that is below them."""
    with served(sample(), without="uplot") as url:
        page = show(url, bears="404")

        expect(page.locator("#state-text")).to_have_text("Live")
        expect(page.get_by_text("This installation has no charts")).to_have_count(8)
        expect(page.locator("#route-rows tr")).to_have_count(6)
        expect(page.locator("#workers li").first).to_contain_text("GET /reports/2026/")


def test_a_monitor_that_ends_leaves_stale_figures(show) -> None:
    """A banner has the reason and the time of the figures, and is gone once it answers again."""
    answers = {"reason": None}

    async def snapshot(_):
        if answers["reason"]:
            return json_response(HTTPStatus.SERVICE_UNAVAILABLE, {"error": answers["reason"]})
        return json_response(HTTPStatus.OK, json.loads(json.dumps(sample().as_json())))

    port = free_port()
    pages = {
        **file_pages(),
        **pages_of(sample(), history=[], gauges=[]),
        "/snapshot.json": snapshot,
    }
    with serving(pages, f"127.0.0.1:{port}"):
        page = settled(show(f"http://127.0.0.1:{port}", bears="503"))
        answers["reason"] = "Nothing runs in /srv/shop/.tandem."
        expect(page.get_by_role("alert")).to_have_text(
            re.compile(r"^Nothing runs in /srv/shop/.tandem. The figures are from [\d:]{8}.$")
        )
        expect(page.locator("#state-text")).to_have_text("Stale")
        expect(page.locator("#route-rows tr")).to_have_count(6)
        answers["reason"] = None
        expect(page.locator("#state-text")).to_have_text("Live")
        expect(page.locator("#banner")).to_be_hidden()


def test_the_token_leaves_the_address_bar(show, url) -> None:
    """It would be copied with the address."""
    page = settled(show(f"{url}/?token=secret"))

    assert page.url == f"{url}/"
