"""The blocked routes of a run directory, whose paths follow the routes of each new plan."""

from dataclasses import replace
from pathlib import Path

from django_tandem.errors import RefusedError
from django_tandem.inprocess import blocked_routes
from django_tandem.model import Plan
from django_tandem.plan.blocking import block_rules


def renew(plan: Plan) -> list[str]:
    """Write the paths of blocked routes by the routes of ``plan``; return a note on each block."""
    run_dir = Path(plan.run_dir)
    routes = [verdict.route for verdict in plan.verdicts]
    blocks, notes = [], []
    for block in blocked_routes.read(run_dir):
        try:
            renewed = replace(block, rules=block_rules(block.target, routes))
            note = ""
        except RefusedError as error:
            renewed, note = block, f" Its paths stay as they were: {error.message}"
        blocks.append(renewed)
        notes.append(f'"{block.target}" is blocked until `tandem unblock {block.target}`.{note}')
    if blocks:
        blocked_routes.write(run_dir, blocks)
    return notes
