"""The dashboard answers on the socket in the run directory, or with the token."""

import asyncio
from http import HTTPStatus

import pytest

from django_tandem.monitor.dashboard.access import (
    NO_TOKEN,
    ONLY_ON_SOCKET,
    only_on_socket,
    only_with_token,
)
from django_tandem.runtime.probes.http_server import Request, Response

TOKEN = "dGhlIHRva2Vu"


async def page(_: Request) -> Response:
    return Response(status=HTTPStatus.OK, body=b"shown")


PAGES = {"/": page, "/snapshot.json": page}


def response(
    pages, path: str = "/", *, server: str = "127.0.0.1", query=None, **headers
) -> Response:
    request = Request(
        method="GET",
        path=path,
        query=query or {},
        headers={"host": "localhost"} | headers,
        server=server,
    )
    return asyncio.run(pages[path](request))


@pytest.mark.parametrize("server", ["10.0.0.7", "2001:db8::1", "127.0.0.1", "::1"])
def test_an_address_is_refused(server) -> None:
    """Other users of the machine connect to loopback, too."""
    found = response(only_on_socket(PAGES), server=server)

    assert (found.status, found.body.decode()) == (HTTPStatus.FORBIDDEN, f"{ONLY_ON_SOCKET}\n")


def test_a_socket_is_answered() -> None:
    """The run directory belongs to the user of the stack."""
    assert response(only_on_socket(PAGES), server="/run/metrics.sock").body == b"shown"


def test_the_token_of_the_url_becomes_a_cookie() -> None:
    """The script can't read it, and no other site can have it sent."""
    guarded = only_with_token(PAGES, TOKEN, cookie="tandem-9002")
    first = response(guarded, query={"token": TOKEN})

    assert first.body == b"shown"
    assert (
        first.headers == f"Set-Cookie: tandem-9002={TOKEN}; Path=/; HttpOnly; SameSite=Strict\r\n"
    )
    cookie = f"other=1; tandem-9002={TOKEN}"
    assert response(guarded, "/snapshot.json", cookie=cookie).body == b"shown"


@pytest.mark.parametrize(
    ("path", "query", "cookie"),
    [
        ("/", {}, ""),
        ("/", {"token": "guess"}, ""),
        ("/", {"token": ""}, "tandem-9002="),
        ("/", {"token": "ü"}, "tandem-9002=ü"),
        ("/snapshot.json", {"token": TOKEN}, ""),
        ("/snapshot.json", {}, f"tandem-9003={TOKEN}"),
        ("/snapshot.json", {}, "tandem-9002=guess"),
    ],
)
def test_without_the_token_nothing_is_shown(path, query, cookie) -> None:
    """A token in the URL of the data is none: it would be logged and bookmarked."""
    guarded = only_with_token(PAGES, TOKEN, cookie="tandem-9002")
    found = response(guarded, path, query=query, cookie=cookie)

    assert (found.status, found.body.decode()) == (HTTPStatus.FORBIDDEN, f"{NO_TOKEN}\n")
    assert found.headers == ""
