"""Access to the dashboard: by the socket in the run directory, or with the token."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus, cookies

from django_tandem.runtime.probes.http_server import Pages, Request, Response

Page = Callable[[Request], Awaitable[Response]]

ONLY_ON_SOCKET = "This address has /metrics alone. Open the dashboard by `tandem dashboard`."
NO_TOKEN = "Open the URL that `tandem dashboard` has printed: it has the token."  # noqa: S105


def only_on_socket(pages: Pages) -> Pages:
    """Return ``pages`` for connections by a socket of the run directory alone."""
    return {path: partial(_on_socket, page) for path, page in pages.items()}


def only_with_token(pages: Pages, token: str, cookie: str) -> Pages:
    """
    Return ``pages`` for requests with ``token``: in the URL of the first page, then in a cookie.
    """
    return {path: partial(_with_token, page, token, cookie) for path, page in pages.items()}


async def _on_socket(page: Page, request: Request) -> Response:
    # On loopback, other users of the machine could read it, and a site that fetches any URL.
    return await page(request) if request.server.startswith("/") else _forbidden(ONLY_ON_SOCKET)


async def _with_token(page: Page, token: str, cookie: str, request: Request) -> Response:
    if _is_same(_cookie(request, cookie), token):
        return await page(request)
    if request.path != "/" or not _is_same(request.query.get("token", ""), token):
        return _forbidden(NO_TOKEN)
    # Strict: no other site can have the browser request a page with it.
    header = f"Set-Cookie: {cookie}={token}; Path=/; HttpOnly; SameSite=Strict\r\n"
    response = await page(request)
    return replace(response, headers=response.headers + header)


def _cookie(request: Request, name: str) -> str:
    try:
        found = cookies.SimpleCookie(request.headers.get("cookie", "")).get(name)
    except cookies.CookieError:
        return ""
    return found.value if found else ""


def _is_same(given: str, token: str) -> bool:
    # The monitor knows no token, and need not have OpenSSL in its memory for this.
    from hmac import compare_digest  # noqa: PLC0415

    return compare_digest(given.encode(), token.encode())


def _forbidden(reason: str) -> Response:
    return Response(
        status=HTTPStatus.FORBIDDEN,
        body=f"{reason}\n".encode(),
        content_type="text/plain; charset=utf-8",
    )
