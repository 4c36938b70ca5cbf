"""One house and one browser for all of these tests, and visitors who complain of errors."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from browser.house import chromium, served_house, sign_in
from harness.stack import Up

Visit = Callable[..., Page]


@pytest.fixture(scope="package")
def up(prepared_example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    directory = tmp_path_factory.mktemp("b")
    shutil.copytree(prepared_example, directory, dirs_exist_ok=True)
    with served_house(directory) as running:
        yield running


# Ended with the package: as long as it runs, this thread counts as having an event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def signed_in(browser: Browser, up: Up) -> Callable[[str | None], dict]:
    """Have each user sign in at the door once, and give their cookies to all their visits."""

    @cache
    def cookies_of(user: str | None) -> dict:
        context = browser.new_context(base_url=up.url)
        if user:
            sign_in(context.new_page(), user)
        state = context.storage_state()
        context.close()
        return state

    return cookies_of


@pytest.fixture
def visit(browser: Browser, up: Up, signed_in) -> Iterator[Visit]:
    """Let a visitor in: `visit("ada")`, or nobody; each has a separate browser profile."""
    contexts, complaints = [], []

    def enter(user: str | None = None, *, bears: tuple[str, ...] = (), **options) -> Page:
        # Without a graphics card each frame of an animation is drawn by the machine's two cores.
        context = browser.new_context(
            base_url=up.url, storage_state=signed_in(user), reduced_motion="reduce", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.extend(_complaint(message, bears)))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield enter
    for context in contexts:
        context.close()
    assert complaints == []


def _complaint(message: ConsoleMessage, bears: tuple[str, ...]) -> list[str]:
    # Chromium writes each answer of 400 and more to the console; a test says which it asks for.
    if message.type != "error" or any(each in message.text for each in bears):
        return []
    return [f"{message.text} ({message.location.get('url', '')})"]
