"""Who may read the dashboard: this machine, under its own names, or who has the token."""

import ipaddress
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus, cookies
from urllib.parse import urlsplit

from django_tandem.runtime.probes.http_server import Pages, Request, Response

Page = Callable[[Request], Awaitable[Response]]

NOT_LOCAL = (
    "The dashboard is answered on this machine alone. Open it there, or by `tandem dashboard`."
)
OTHER_NAME = "This name is not one of this machine. Open the dashboard at localhost."
NO_TOKEN = "Open the URL that `tandem dashboard` has printed: it has the token."  # noqa: S105


def only_local(pages: Pages) -> Pages:
    """
    Return ``pages`` for connections of this machine and by its own names.

    The name is checked because a site in the same browser may let its own name lead to 127.0.0.1,
    and would then read the page as its own (DNS rebinding).
    """
    return {path: partial(_local, page) for path, page in pages.items()}


def only_with_token(pages: Pages, token: str, cookie: str) -> Pages:
    """Return ``pages`` for who has ``token``: in the URL of the first page, then in a cookie."""
    return {path: partial(_with_token, page, token, cookie) for path, page in pages.items()}


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is a name or an address of this machine for itself."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


async def _local(page: Page, request: Request) -> Response:
    # The run directory belongs to the user alone, so does a socket in it.
    if request.server.startswith("/"):
        return await page(request)
    if not is_loopback(request.server):
        return _forbidden(NOT_LOCAL)
    if not is_loopback(_host_name(request)):
        return _forbidden(OTHER_NAME)
    return await page(request)


async def _with_token(page: Page, token: str, cookie: str, request: Request) -> Response:
    if _is_same(_cookie(request, cookie), token):
        return await page(request)
    if request.path != "/" or not _is_same(request.query.get("token", ""), token):
        return _forbidden(NO_TOKEN)
    # Strict: no other site can have the browser request a page with it.
    header = f"Set-Cookie: {cookie}={token}; Path=/; HttpOnly; SameSite=Strict\r\n"
    response = await page(request)
    return replace(response, headers=response.headers + header)


def _host_name(request: Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _cookie(request: Request, name: str) -> str:
    try:
        found = cookies.SimpleCookie(request.headers.get("cookie", "")).get(name)
    except cookies.CookieError:
        return ""
    return found.value if found else ""


def _is_same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())


def _forbidden(reason: str) -> Response:
    return Response(
        status=HTTPStatus.FORBIDDEN,
        body=f"{reason}\n".encode(),
        content_type="text/plain; charset=utf-8",
    )
