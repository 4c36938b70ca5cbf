"""What `tandem bench` asks for: URLs and WebSockets on the command line → workloads."""

import argparse
import contextlib
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.http.request import validate_host

from django_tandem.bench.workload import Sockets, Workload
from django_tandem.errors import TandemError

# What asks for nothing to be changed (RFC 9110, 9.2.1).
SAFE = ("GET", "OPTIONS")
SECRET = ("--header", "--body")
# Without HEAD: its answers say a size and have none.
METHODS = (*SAFE, "POST", "PUT", "PATCH", "DELETE")
# By which each topology is asked, where nothing else is said.
ADDRESS = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("urls", nargs="*", metavar="URL", help="such as /api/lots/")
    parser.add_argument("--ws", metavar="PATH", help="keep WebSockets open here meanwhile")
    parser.add_argument("--sockets", type=whole, default=50, metavar="N", help="how many (50)")
    parser.add_argument(
        "--connections", type=whole, default=16, metavar="N", help="that ask at a time (16)"
    )
    parser.add_argument(
        "--method",
        type=str.upper,
        choices=METHODS,
        metavar="METHOD",
        help="GET, or POST where there is a body",
    )
    parser.add_argument("--body", default="", metavar="TEXT", help="what each request sends")
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
            "There is nothing to ask for.", hint="Name a URL, such as `tandem bench /api/lots/`."
        )
    ws_host, ws_path = _path(options.ws) if options.ws else ("", "")
    sockets = Sockets(path=ws_path, count=options.sockets) if options.ws else None
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
    """Return the workload with a host that the project answers to, where it names none."""
    allowed = list(django_settings.ALLOWED_HOSTS)
    is_named = any(name.lower() == "host" for name, _ in workload.headers)
    # With DEBUG and no list, Django answers to this machine's own names.
    if is_named or validate_host(ADDRESS, allowed) or (django_settings.DEBUG and not allowed):
        return workload
    first = next((each.lstrip(".") for each in allowed), "")
    return replace(workload, headers=(*workload.headers, ("Host", first))) if first else workload


def refuse_writing(options: argparse.Namespace, asked: Sequence[Workload]) -> None:
    """Raise TandemError where rows would be written to a database without a word to allow it."""
    changing = next((each for each in asked if each.method not in SAFE), None)
    if changing is None or options.yes:
        return
    database = django_settings.DATABASES.get("default", {})
    where = f'"{database.get("NAME", "")}"' + (
        f" on {database['HOST']}" if database.get("HOST") else ""
    )
    told = (
        f"{changing.name} would be done some thousand times, to the database {where}: "
        "what it writes stays there."
    )
    hint = "Point the settings at a copy of it. If this is one, add `--yes`."
    if sys.stdin.isatty() and input(f"{told}\n  Is it a copy? Go on? [y/N] ").lower() == "y":
        return
    raise TandemError(told, hint=hint)


def shown(argv: Sequence[str]) -> Iterator[str]:
    """Yield a command line as it may be shown to anybody: a header or a body may be a secret."""
    before = ""
    for word in argv:
        option, equals, _ = word.partition("=")
        is_given = equals and option in SECRET
        yield "…" if before in SECRET else f"{option}=…" if is_given else word
        before = word


def whole(text: str) -> int:
    """Read a whole number from 1 on."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f'"{text}" is no whole number from 1 on')


def seconds(text: str) -> float:
    """Read a time in seconds."""
    try:
        if 0 < float(text) < math.inf:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f'"{text}" is no number of seconds, such as 10')


def header(text: str) -> tuple[str, str]:
    """Read a header as it is written."""
    name, colon, value = text.partition(":")
    if name.strip() and colon and text.isascii() and text.isprintable():
        return name.strip(), value.strip()
    raise argparse.ArgumentTypeError(f'"{text}" is no header, such as "Accept: text/html"')


def _path(url: str) -> tuple[str, str]:
    """Return the host that ``url`` names, or nothing, and its path with the query."""
    # urlsplit takes out what a terminal can hide, and raises for a bracket that is left open.
    if url.isascii() and url.isprintable() and " " not in url:
        with contextlib.suppress(ValueError):
            parts = urlsplit(url)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            if path.startswith("/"):
                return parts.netloc, path
    raise TandemError(
        f'"{url}" is no path of this project.',
        hint="Begin it with a slash, and quote what is not ASCII, such as /api/lots/?page=2",
    )
