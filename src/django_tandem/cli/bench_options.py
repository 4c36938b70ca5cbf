"""The options of `tandem bench` → workloads."""

import argparse
import contextlib
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.http.request import validate_host

from django_tandem.bench.workload import WebSockets, Workload
from django_tandem.errors import TandemError

# Safe methods (RFC 9110, 9.2.1).
SAFE = ("GET", "OPTIONS")
SECRET = ("--header", "--body")
# Not HEAD: its responses have a Content-Length and no body.
METHODS = (*SAFE, "POST", "PUT", "PATCH", "DELETE")
# The host of a request, unless a header says otherwise.
ADDRESS = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("urls", nargs="*", metavar="URL", help="such as /api/lots/")
    parser.add_argument("--ws", metavar="PATH", help="keep WebSockets open on this path")
    parser.add_argument("--sockets", type=positive_integer, default=50, metavar="N", help="(50)")
    parser.add_argument(
        "--connections", type=positive_integer, default=16, metavar="N", help="at a time (16)"
    )
    parser.add_argument(
        "--method",
        type=str.upper,
        choices=METHODS,
        metavar="METHOD",
        help="GET, or POST where there is a body",
    )
    parser.add_argument("--body", default="", metavar="TEXT", help="the body of each request")
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="NAME:VALUE",
        type=header,
        help="of each request; may be repeated",
    )
    parser.add_argument(
        "--programs",
        action="store_true",
        help='run TANDEM["PROGRAMS"] too, such as a Celery worker on its own broker',
    )
    parser.add_argument("--yes", action="store_true", help="write to this database")


def workloads(options: argparse.Namespace) -> list[Workload]:
    """Return a workload for each URL; without one there are only the WebSockets."""
    if not options.urls and not options.ws:
        raise TandemError(
            "Expected a URL or `--ws`.", hint="Name a URL, such as `tandem bench /api/lots/`."
        )
    ws_host, ws_path = _path(options.ws) if options.ws else ("", "")
    sockets = WebSockets(path=ws_path, count=options.sockets) if options.ws else None
    method = options.method or ("POST" if options.body else "GET")
    found = []
    for host, path in dict.fromkeys(map(_path, options.urls)):
        found.append(
            Workload(
                name=f"{method} {host}{path}" + (f" with {options.ws}" if options.ws else ""),
                path=path,
                connections=options.connections,
                method=method,
                body=options.body,
                headers=_headers(options, host or ws_host),
                sockets=sockets,
            )
        )
    return found or [
        Workload(name=options.ws, path=None, headers=_headers(options, ws_host), sockets=sockets)
    ]


def _headers(options: argparse.Namespace, host: str) -> tuple[tuple[str, str], ...]:
    is_named = any(name.lower() == "host" for name, _ in options.header)
    return (*options.header, *([("Host", host)] if host and not is_named else []))


def with_host(workload: Workload) -> Workload:
    """Return the workload with a Host header that ALLOWED_HOSTS accepts, unless it has one."""
    allowed = list(django_settings.ALLOWED_HOSTS)
    is_named = any(name.lower() == "host" for name, _ in workload.headers)
    # With DEBUG and an empty list, Django accepts loopback names.
    if is_named or validate_host(ADDRESS, allowed) or (django_settings.DEBUG and not allowed):
        return workload
    first = next((each.lstrip(".") for each in allowed), "")
    return replace(workload, headers=(*workload.headers, ("Host", first))) if first else workload


def require_consent(options: argparse.Namespace, requested: Sequence[Workload]) -> None:
    """Raise TandemError for requests that may write to the database without `--yes`."""
    changing = next((each for each in requested if each.method not in SAFE), None)
    if changing is None or options.yes:
        return
    database = django_settings.DATABASES.get("default", {})
    where = f'"{database.get("NAME", "")}"' + (
        f" on {database['HOST']}" if database.get("HOST") else ""
    )
    warning = f"{changing.name} would run thousands of times and may write to the database {where}."
    hint = "Use a copy of the database. If this is one, add `--yes`."
    if sys.stdin.isatty() and input(f"{warning}\n  Continue? [y/N] ").lower() == "y":
        return
    raise TandemError(warning, hint=hint)


def redacted(argv: Sequence[str]) -> Iterator[str]:
    """Yield a command line without the values of headers and bodies, which may be secrets."""
    before = ""
    for word in argv:
        option, equals, _ = word.partition("=")
        is_given = equals and option in SECRET
        yield "…" if before in SECRET else f"{option}=…" if is_given else word
        before = word


def positive_integer(text: str) -> int:
    """Parse an integer of at least 1."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f'Expected an integer of at least 1, got "{text}".')


def seconds(text: str) -> float:
    """Parse a duration in seconds."""
    try:
        if 0 < float(text) < math.inf:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f'Expected a number of seconds, such as 10, got "{text}".')


def header(text: str) -> tuple[str, str]:
    """Parse a header line."""
    name, colon, value = text.partition(":")
    if name.strip() and colon and text.isascii() and text.isprintable():
        return name.strip(), value.strip()
    raise argparse.ArgumentTypeError(f'Expected a header like "Accept: text/html", got "{text}".')


def _path(url: str) -> tuple[str, str]:
    """Return the host of ``url``, or "", and its path with the query."""
    # urlsplit drops control characters, and raises for an unclosed bracket.
    if url.isascii() and url.isprintable() and " " not in url:
        with contextlib.suppress(ValueError):
            parts = urlsplit(url)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            if path.startswith("/"):
                return parts.netloc, path
    raise TandemError(
        f'Expected a path of this project, got "{url}".',
        hint="Start it with a slash and percent-encode non-ASCII characters: /api/lots/?page=2",
    )
