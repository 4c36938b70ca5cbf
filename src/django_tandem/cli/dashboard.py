"""Serve a page that shows the traffic, the workers and the last hour in a browser."""

import argparse
import asyncio
import secrets
import signal
import socket
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from django_tandem.cli import console
from django_tandem.cli.run_dirs import add_run_dir_argument, find_running_dir
from django_tandem.errors import MachineError, RefusedError
from django_tandem.model import Bind
from django_tandem.monitor import client
from django_tandem.monitor.dashboard import DATA, file_pages
from django_tandem.monitor.dashboard.access import only_with_token
from django_tandem.plan.addresses import binds
from django_tandem.runtime.host import has_ipv6
from django_tandem.runtime.probes.http_server import (
    HttpServer,
    Pages,
    Request,
    Response,
    json_response,
)

DEFAULT = "127.0.0.1:9002"
TOKEN_BYTES = 24
EVERY_HOST = ("0.0.0.0", "::")  # noqa: S104


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_run_dir_argument(parser)
    parser.add_argument(
        "--bind",
        metavar="HOST:PORT",
        default=DEFAULT,
        help=f"listen here ({DEFAULT}); the page needs the token in the printed URL",
    )


def run(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C; 1 when nothing runs, or no monitor."""
    run_dir = find_running_dir(options)
    addresses = binds([options.bind], has_ipv6=has_ipv6())
    # Nobody should find in the browser only that nothing runs.
    client.read_snapshot(run_dir)
    data: Pages = {path: partial(_data, run_dir) for path in DATA}
    pages: Pages = {**file_pages(), **data}
    # On loopback too: other users of the machine connect to it as well.
    token = secrets.token_urlsafe(TOKEN_BYTES)
    guarded = only_with_token(pages, token, cookie=f"tandem-{addresses[0].port}")
    query = f"?{urlencode({'token': token})}"
    asyncio.run(_serve(guarded, addresses, query))
    return 0


async def _serve(pages: Pages, addresses: Sequence[Bind], query: str) -> None:
    ended = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, ended.set)
    failures = await HttpServer(pages).listen([str(each) for each in addresses])
    if failures:
        raise MachineError(failures[0], hint="Choose another address with `--bind`.")
    first = addresses[0]
    place = f"{socket.gethostname()}:{first.port}" if first.host in EVERY_HOST else str(first)
    console.line_out(f"The dashboard is at http://{place}/{query} until Ctrl-C.")
    console.flush()
    await ended.wait()


async def _data(run_dir: Path, request: Request) -> Response:
    """Answer as the monitor does on its socket."""
    query = urlencode(request.query)
    target = f"{request.path}?{query}" if query else request.path
    try:
        body = await asyncio.to_thread(client.get, run_dir, target)
    except RefusedError as error:
        # The page shows both sentences.
        reason = " ".join(filter(None, (error.message, error.hint)))
        return json_response(HTTPStatus.SERVICE_UNAVAILABLE, {"error": reason})
    return Response(status=HTTPStatus.OK, body=body)
