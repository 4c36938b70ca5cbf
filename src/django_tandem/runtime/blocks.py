"""The blocked routes of a run directory: their changes, one at a time, and their renewal."""

import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django_tandem.errors import RefusedError
from django_tandem.inprocess import blocked_routes
from django_tandem.model import Block, Plan, Route
from django_tandem.plan.blocking import block_rules
from django_tandem.runtime import lock


@contextmanager
def changing(run_dir: Path) -> Iterator[list[Block]]:
    """
    Yield the blocks of ``run_dir`` as a list, and write it as the block has changed it.

    One process at a time, so that no change is lost; nothing is written after an exception.
    Raises RefusedError when another process keeps the lock.
    """
    with lock.held_for_change(run_dir, lock.BLOCKS, "the blocked routes"):
        blocks = list(blocked_routes.read(run_dir))
        yield blocks
        blocked_routes.write(run_dir, blocks)


def extend(plan: Plan) -> None:
    """Add the paths that blocked routes have in ``plan`` to those that they have so far."""
    _change(plan, keeps_old=True)


def renew(plan: Plan) -> list[str]:
    """Write the paths of blocked routes by the routes of ``plan``; return a note on each block."""
    return _change(plan, keeps_old=False)


def _change(plan: Plan, *, keeps_old: bool) -> list[str]:
    run_dir = Path(plan.run_dir)
    # Without a block nothing is written, not even the lock.
    if not blocked_routes.read(run_dir):
        return []
    routes = [verdict.route for verdict in plan.verdicts]
    with changing(run_dir) as blocks:
        renewed = [_renewed(block, routes, plan.edge.stripped_prefixes) for block in blocks]
        kept = blocks if keeps_old else []
        # Without repetition: an unfinished reload left both forms of a block.
        blocks[:] = dict.fromkeys([*kept, *(block for block, _ in renewed)])
    return list(dict.fromkeys(note for _, note in renewed))


def _renewed(block: Block, routes: list[Route], stripped: Iterable[str]) -> tuple[Block, str]:
    """Return the block with the paths of its target in ``routes``, and the note on it."""
    command = f"tandem unblock {shlex.quote(block.target)}"
    note = f'"{block.target}" is blocked until `{command}`.'
    try:
        return replace(block, rules=block_rules(block.target, routes, stripped)), note
    except RefusedError as error:
        return block, f"{note} Its paths stay as they were: {error.message}"
