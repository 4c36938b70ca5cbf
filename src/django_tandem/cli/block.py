"""Block a route without a deploy: a status for its requests, a close code for its WebSockets."""

import argparse
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from django_tandem.cli import console
from django_tandem.cli.planning import plan_project
from django_tandem.cli.run_dirs import add_other_run_dir_argument
from django_tandem.errors import RefusedError, did_you_mean
from django_tandem.model import Block, Protocol, Route
from django_tandem.model.state import STATE_FILE
from django_tandem.plan.blocking import block_rules, covered
from django_tandem.runtime import blocks, lock
from django_tandem.runtime.run_dir import refuse_foreign

STATUS, CLOSE = 503, 1013
# Of the protocol's own codes, those that a server may send; from 3000 on they are free.
CLOSES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_other_run_dir_argument(parser)
    parser.add_argument(
        "route", metavar="ROUTE", help="a path prefix, =/one/path/, a pattern, a name or a view"
    )
    parser.add_argument(
        "--status",
        type=_status,
        metavar="STATUS",
        help=f"what requests get, from 400 on, or 204, at which EventSource stops ({STATUS})",
    )
    parser.add_argument(
        "--close",
        type=_close,
        metavar="CODE",
        help=f"the code with which open WebSockets are closed ({CLOSE})",
    )
    parser.add_argument(
        "--drain",
        metavar="SECONDS",
        type=_seconds,
        help="the time over which open connections end, instead of TANDEM's DRAIN_S",
    )


def run(options: argparse.Namespace) -> int:
    """Block the route for every process of the stack, from now until `tandem unblock ROUTE`."""
    plan = plan_project(options).plan
    routes = [verdict.route for verdict in plan.verdicts]
    block = _read_block(options, plan.drain_s, routes, plan.edge.stripped_prefixes)
    run_dir = Path(plan.run_dir)
    refuse_foreign(run_dir)
    if not (run_dir / STATE_FILE).exists():
        raise RefusedError(f"Nothing has run in {run_dir} yet.", hint="Start it with `tandem up`.")
    with blocks.changing(run_dir) as kept:
        kept[:] = [*(each for each in kept if each.target != block.target), block]
    found = covered(block.rules, routes)
    console.line_out(_done(block, found))
    if not found:
        console.line_out(_no_match(block.target, routes))
    if lock.holder(run_dir) is None:
        console.line_out("Nothing runs: it takes effect with the next start.")
    return 0


def _read_block(
    options: argparse.Namespace, drain_s: int, routes: list[Route], stripped: Sequence[str] = ()
) -> Block:
    """Return what the options block; raises RefusedError for a route that does not exist."""
    target = options.route
    rules = block_rules(target, routes, stripped)
    found = covered(rules, routes)
    if options.close is not None and found and not _websockets(found):
        raise RefusedError(
            f'"{target}" has no WebSocket that `--close` could close.',
            hint="Leave it out, or block a route of a WebSocket.",
        )
    return Block(
        target=target,
        status=options.status or STATUS,
        close=options.close or CLOSE,
        window_s=drain_s if options.drain is None else options.drain,
        since_s=time.time(),
        rules=rules,
    )


def _websockets(routes: list[Route]) -> list[Route]:
    return [route for route in routes if route.protocol is Protocol.WEBSOCKET]


def _done(block: Block, routes: list[Route]) -> str:
    websockets = len(_websockets(routes))
    requests = len(routes) - websockets
    counts = f"{console.counted(requests, 'route')} and {console.counted(websockets, 'WebSocket')}"
    closes = f"; open WebSockets and event streams end within {block.window_s:.0f} s"
    code = f", WebSockets with {block.close}" if websockets else ""
    known = counts if routes else "no known route"
    return f'Blocked "{block.target}" ({known}) with {block.status}{closes}{code}.'


def _no_match(target: str, routes: list[Route]) -> str:
    hint = did_you_mean(target, [route.pattern for route in routes], otherwise="")
    return f"It matches no route. {hint}".rstrip()


def _status(text: str) -> int:
    known = [204, *(each.value for each in HTTPStatus if each >= 400)]
    if text.isdecimal() and int(text) in known:
        return int(text)
    raise argparse.ArgumentTypeError(f'Expected 204 or a status from 400 on, got "{text}".')


def _close(text: str) -> int:
    if text.isdecimal() and (int(text) in CLOSES or 3000 <= int(text) < 5000):
        return int(text)
    raise argparse.ArgumentTypeError(
        f'Expected a close code such as 1013, or one from 3000 to 4999, got "{text}".'
    )


def _seconds(text: str) -> int:
    if text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f'Expected a number of seconds, such as 5, got "{text}".')
