"""The dashboard answers this machine under its own names, or who has the token."""

import asyncio
from http import HTTPStatus

import pytest

from django_tandem.monitor.dashboard.access import (
    NO_TOKEN,
    NOT_LOCAL,
    OTHER_NAME,
    is_loopback,
    only_local,
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


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:9001", "127.0.0.1:9001", "127.1.2.3", "[::1]:9001", "me.localhost"],
)
def test_a_name_of_this_machine_is_answered(host) -> None:
    """With each port: a tunnel has another one."""
    assert response(only_local(PAGES), host=host).body == b"shown"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "10.0.0.1:9001",
        "",
        "[::1",
        "127.0.0.1@evil.example:80",
    ],
)
def test_another_name_is_refused(host) -> None:
    """A site could let it lead to this machine, and read the page in its visitor's browser."""
    found = response(only_local(PAGES), host=host)

    assert (found.status, found.body.decode()) == (HTTPStatus.FORBIDDEN, f"{OTHER_NAME}\n")


@pytest.mark.parametrize("server", ["10.0.0.7", "::ffff:10.0.0.7", "2001:db8::1"])
def test_another_machine_is_refused(server) -> None:
    """It connects to an address of the network, under each name."""
    found = response(only_local(PAGES), server=server, host="localhost")

    assert (found.status, found.body.decode()) == (HTTPStatus.FORBIDDEN, f"{NOT_LOCAL}\n")


@pytest.mark.parametrize("server", ["::1", "::ffff:127.0.0.1", "/run/metrics.sock"])
def test_an_address_of_this_machine_is_answered(server) -> None:
    """So is a socket, which has no host name to check."""
    host = "any" if server.startswith("/") else "localhost"

    assert response(only_local(PAGES), server=server, host=host).body == b"shown"


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


def test_a_loopback_name_has_no_suffix() -> None:
    """A final dot is the root of the DNS."""
    assert is_loopback("localhost.")
    assert not is_loopback("notlocalhost")
    assert not is_loopback("127.0.0.1.evil.example")
