"""A URL as a person writes it → the request that a client would send."""

import argparse
import os
import re
from urllib.parse import quote, urlsplit

from django_tandem.runtime.dry_run import EdgeRequest

UPGRADE = ("Upgrade", "websocket")

# A client sends neither the fragment nor the user info before an @.
URL = re.compile(r"(?:(?P<scheme>[A-Za-z]+)://(?:[^/?#]*@)?(?P<host>[^/?#]*))?(?P<target>[^#]*)")
HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x1f\x7f]*)")
METHOD = re.compile(r"[A-Za-z-]+")
# The characters that a request line may have; the rest is percent-encoded, as by a browser.
AS_TYPED = "".join(map(chr, range(0x21, 0x7F)))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that describe the request."""
    parser.add_argument("url", type=_url, metavar="URL", help="a path, or a whole URL")
    parser.add_argument("--method", type=_method, default="GET", help="GET when it is left out")
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        type=_header,
        dest="headers",
        metavar='"NAME: VALUE"',
        help='such as "Upgrade: websocket"; may be given more than once',
    )


def read(options: argparse.Namespace, *, own_name: str) -> EdgeRequest:
    """Return the request; its host is ``own_name`` unless the URL or a header names another."""
    found = URL.match(options.url)
    scheme, host, given = found.groups() if found else (None, None, options.url)
    target = quote(os.fsencode(given), safe=AS_TYPED)
    hosts = [own_name, host, *(value for name, value in options.headers if _is_host(name))]
    headers = [(name, value) for name, value in options.headers if not _is_host(name)]
    scheme = (scheme or "").lower()
    if scheme in {"ws", "wss"}:
        headers.append(UPGRADE)
    return EdgeRequest(
        method=options.method,
        target=target if target.startswith("/") else f"/{target}",
        host=[name for name in hosts if name][-1],
        headers=tuple(headers),
        is_plain_http=scheme in {"http", "ws"},
    )


def _is_host(name: str) -> bool:
    return name.lower() == "host"


def _url(text: str) -> str:
    found = URL.match(text)
    try:
        # Its host may be an IPv6 address, which has both brackets.
        urlsplit(f"//{(found and found['host']) or ''}")
    except ValueError:
        raise argparse.ArgumentTypeError(f'Expected a path or a URL, got "{text}".') from None
    return text


def _method(text: str) -> str:
    if METHOD.fullmatch(text):
        return text.upper()
    raise argparse.ArgumentTypeError(f'Expected a method, such as POST, got "{text}".')


def _header(text: str) -> tuple[str, str]:
    found = HEADER.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f'Expected a header, such as "Upgrade: websocket", got "{text}".'
        )
    return found[1], found[2].rstrip()
