"""Serve a blocked route again."""

import argparse

from django_tandem.cli import console
from django_tandem.cli.run_dirs import add_run_dir_argument, find_running_dir
from django_tandem.errors import RefusedError, did_you_mean
from django_tandem.inprocess import blocked_routes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_run_dir_argument(parser)
    parser.add_argument("route", metavar="ROUTE", help="as it was given to `tandem block ROUTE`")


def run(options: argparse.Namespace) -> int:
    """Remove the block, of which `tandem status` prints the name."""
    run_dir = find_running_dir(options)
    blocks = blocked_routes.read(run_dir)
    kept = [each for each in blocks if each.target != options.route]
    if len(kept) == len(blocks):
        names = [each.target for each in blocks]
        listed = f"Blocked are {', '.join(names)}." if names else "Nothing is blocked."
        raise RefusedError(
            f'"{options.route}" is not blocked.',
            hint=did_you_mean(options.route, names, otherwise=listed),
        )
    blocked_routes.write(run_dir, kept)
    console.line_out(f'Unblocked "{options.route}".')
    return 0
