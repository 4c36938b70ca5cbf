"""Serve a blocked route again."""

import argparse

from django_tandem.cli import console
from django_tandem.cli.run_dirs import add_run_dir_argument, find_running_dir
from django_tandem.errors import RefusedError, did_you_mean
from django_tandem.runtime import blocks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_run_dir_argument(parser)
    parser.add_argument("route", metavar="ROUTE", help="as it was given to `tandem block ROUTE`")


def run(options: argparse.Namespace) -> int:
    """Remove the block, whose name `tandem status` prints."""
    run_dir = find_running_dir(options)
    with blocks.changing(run_dir) as kept:
        names = [each.target for each in kept]
        if options.route not in names:
            raise _not_blocked(options.route, names)
        kept[:] = [each for each in kept if each.target != options.route]
    console.line_out(f'Unblocked "{options.route}".')
    return 0


def _not_blocked(target: str, names: list[str]) -> RefusedError:
    listed = f"Blocked are {', '.join(names)}." if names else "Nothing is blocked."
    return RefusedError(
        f'"{target}" is not blocked.',
        hint=did_you_mean(target, names, otherwise=listed),
    )
