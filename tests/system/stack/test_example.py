"""The example behind the edge: an auction that stays consistent under simultaneous bids."""

import asyncio
import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from example.bidding import storm

from harness.example import EXAMPLE, fill_database, token_of
from harness.postgres import postgres
from harness.stack import Up, clean_environment, free_port, tandem

# Without the shipping service and the monitor.
AUCTION_ALONE = """
from config.settings import *
TANDEM = {"MONITOR": False}
"""


@contextmanager
def running_copy(prepared: Path, directory: Path, **environment: str) -> Iterator[Up]:
    """Run a copy of the example; its shipping service has a port to itself."""
    shutil.copytree(prepared, directory, dirs_exist_ok=True)
    if "DATABASE_URL" in environment:
        fill_database(directory, **environment)
    environment["SHIPPING_URL"] = f"http://127.0.0.1:{free_port()}"
    with Up(directory, environment=environment) as up:
        yield up


@pytest.fixture(scope="module")
def up(prepared_example, tmp_path_factory) -> Iterator[Up]:
    with running_copy(prepared_example, tmp_path_factory.mktemp("e")) as running:
        yield running


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The URL of a PostgreSQL, in which the tests of the rules make their own database."""
    with postgres() as url:
        yield url


def test_each_route_is_listed_with_its_stack_and_reason(up) -> None:
    """Async views and WebSockets are on ASGI, the rest on WSGI."""
    rows = json.loads(tandem(up.directory, "plan", "--json").stdout)
    listed = {row["route"]: (row["stack"], row["reason"]) for row in rows}

    assert listed["/api/lots/"] == ("wsgi", "a synchronous view")
    assert listed["/graphql/"] == ("wsgi", "a synchronous view")
    assert listed["/api/shipping/<int:pk>/"] == ("asgi", "an async view")
    assert listed["/events/bids/"] == ("asgi", "an async view")
    assert listed["/strawberry/"] == ("asgi", "an async view")
    assert listed["/ws/lots/<int:pk>/ (WebSocket)"] == ("asgi", "a WebSocket consumer")


def test_explain_names_the_consumer(up) -> None:
    """By its import path and the place it is defined at."""
    (answer,) = json.loads(tandem(up.directory, "explain", "/ws/lots/1/", "--json").stdout)[
        "answers"
    ]

    assert answer["view"].startswith("auctions.consumers.LotConsumer (auctions/consumers.py:")
    assert answer["stack"] == "asgi"


def test_the_page_comes_with_hashed_files_from_the_edge(up) -> None:
    """Django serves the page, NGINX its files."""
    page = urllib.request.urlopen(f"{up.url}/").read().decode()
    link = next(part.split('"')[0] for part in page.split('href="') if part.startswith("/static/"))

    with urllib.request.urlopen(f"{up.url}{link}") as answer:
        assert answer.headers["Cache-Control"] == "max-age=31536000, public, immutable"


def test_an_async_endpoint_waits_on_another_service(up) -> None:
    """The quote comes from the program that TANDEM["PROGRAMS"] names."""
    assert "price" in asyncio.run(_quote(up))


async def _quote(up: Up) -> str:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{up.url}/api/shipping/1/") as answer:
                # Until the service has started, the endpoint says that it has not.
                if answer.status != 503:
                    return await answer.text()


def _assert_true_auction(up: Up) -> None:
    tokens = [token_of(user, up.directory, **up.environment) for user in ("ada", "grace")]

    outcome = asyncio.run(storm(up.url, 1, tokens))

    assert outcome.complaints() == []
    assert len(outcome.accepted) > 10
    assert outcome.refused > 10
    assert outcome.repeated


def test_200_bids_at_once_leave_one_highest_and_20_sockets_saw_each_in_order(up) -> None:
    """On SQLite, through the edge, across both stacks."""
    _assert_true_auction(up)


def test_the_same_holds_on_postgresql(prepared_example, database, tmp_path) -> None:
    """Where rows are locked instead of the whole database."""
    (tmp_path / "auction_alone.py").write_text(AUCTION_ALONE)
    given = {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "auction_alone"}
    with running_copy(prepared_example, tmp_path, **given) as up:
        _assert_true_auction(up)


def test_the_rules_hold_on_postgresql_too(prepared_example, database) -> None:
    """Keys, closings and bids at once: the example's own tests of them, on its row locks."""
    rules = ("placing_bids", "bid_keys", "last_minutes", "closing_lots")
    files = [f"tests/system/example/test_{name}.py" for name in rules]
    static_root = str(prepared_example / "staticfiles")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=EXAMPLE.parent,
        env=clean_environment() | {"TEST_DATABASE_URL": database, "TEST_STATIC_ROOT": static_root},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout
