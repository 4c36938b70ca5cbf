"""The example in containers: its pages, a bid, a socket, a handover, a rolling update, a stop."""

import asyncio
import json

import aiohttp
import pytest

from harness.client import ask

# The first of them builds the image.
pytestmark = pytest.mark.timeout(600)

SERVICES = ("edge", "wsgi-1", "wsgi-2", "asgi", "workers", "postgres", "valkey")


def test_each_service_is_healthy(compose) -> None:
    """By the health check of the image; the migrations have ended."""
    found = compose.containers()

    assert set(found) == {*SERVICES, "migrate"}
    assert {found[name]["Health"] for name in SERVICES} == {"healthy"}
    assert found["migrate"]["ExitCode"] == 0


@pytest.mark.parametrize(
    ("path", "stack"), [("/", "wsgi"), ("/api/lots/", "wsgi"), ("/hood/plan/", "asgi")]
)
def test_a_page_is_from_the_stack_of_its_route(path, stack, compose) -> None:
    """In whichever container that is."""
    answer = ask(compose.port, path)

    assert (answer.status, answer.headers["X-Stack"]) == (200, stack)


def test_static_files_are_from_the_image(compose) -> None:
    """The edge has them, and no other container is asked."""
    page = ask(compose.port, "/").text
    path = next(part for part in page.split('"') if part.startswith("/static/"))

    answer = ask(compose.port, path)

    assert answer.status == 200
    assert "X-Stack" not in answer.headers


def test_a_request_is_handed_over_by_the_edge(compose) -> None:
    """From a WSGI container to the ASGI container."""
    answer = ask(compose.port, "/even/4/")

    assert (answer.status, answer.text, answer.headers["X-Stack"]) == (200, "4", "asgi")


def test_a_bid_on_wsgi_reaches_a_socket_on_asgi(compose) -> None:
    """By PostgreSQL and Valkey, which both containers share."""
    token = compose.execute("wsgi-1", "python", "manage.py", "drf_create_token", "ada").split()[2]

    assert asyncio.run(_bid(compose, token)) == ("ada", "1000.00")


async def _bid(compose, token) -> tuple[str, str]:
    async with (
        aiohttp.ClientSession(compose.url) as session,
        session.ws_connect("/ws/lots/1/", origin=compose.url) as socket,
    ):
        assert (await socket.receive_json())["type"] == "lot"
        signed_in = {"Authorization": f"Token {token}"}
        async with session.post(
            "/api/lots/1/bids/", json={"amount": "1000.00"}, headers=signed_in
        ) as answer:
            assert answer.status == 201, await answer.text()
        async for message in socket:
            event = json.loads(message.data)
            if event["type"] == "bid":
                return event["bid"]["bidder"], event["bid"]["amount"]
    raise AssertionError("the socket was closed")


def test_a_stack_serves_its_edge_alone(compose) -> None:
    """Without the secret it answers 403, from another container of the same network."""
    look = (
        "import urllib.request, urllib.error\n"
        "try: print(urllib.request.urlopen('http://wsgi-1:9000/').status)\n"
        "except urllib.error.HTTPError as error: print(error.code)"
    )

    assert compose.execute("workers", "python", "-c", look).strip() == "403"
