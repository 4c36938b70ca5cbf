"""The table in short: a few faults of each kind under a lighter load, and each keeps its bounds."""

import asyncio
from collections.abc import Awaitable

import pytest
from faults.admission import admit
from faults.broken import BREAKS, deploy
from faults.killed_reload import kill_reloads
from faults.kills import kill
from faults.reloads import reload_many
from faults.row import Row
from faults.victims import VICTIMS

RATE = 50
DRAIN_S = 6

# Each is seconds on an idle machine; CI's has others on it.
pytestmark = [pytest.mark.timeout(300), pytest.mark.timed]


@pytest.mark.parametrize("asgi", ["uvicorn", "daphne"])
def test_a_reload_loses_no_request_and_closes_each_socket_with_1012(asgi) -> None:
    """No POST lost or done twice, closed with 1012 all over the window, taken in again at once."""
    row = run(reload_many("gunicorn", asgi, times=1, rate=RATE, drain_s=DRAIN_S))

    assert row.short == [], (row.failed, row.notes)


def test_a_broken_deploy_is_refused_and_nobody_notices() -> None:
    """It ends with exit code 1, and the live generation keeps serving."""
    broken = next(each for each in BREAKS if each.name == "wsgi-dies")

    row = run(deploy(broken, rate=RATE, sockets=20))

    assert row.short == [], (row.failed, row.notes)


def test_a_reload_that_is_killed_leaves_a_stack_that_is_understood() -> None:
    """After its commit, before the edge has its rules: the next reload corrects it, unnoticed."""
    row = run(kill_reloads(("reload_edge",), rate=RATE, sockets=20, drain_s=2))

    assert row.short == [], (row.failed, row.notes)


def test_a_killed_worker_costs_the_request_it_served() -> None:
    """The others answer in the meantime."""
    victim = next(each for each in VICTIMS if each.name == "kill-gunicorn-worker")

    row = run(kill(victim, times=1, rate=RATE, sockets=20))

    assert row.short == [], (row.failed, row.notes)


def test_beyond_the_bound_of_websockets_each_gets_503() -> None:
    """And whoever is in notices nothing."""
    row = run(admit(rate=RATE))

    assert row.short == [], (row.failed, row.notes)


def run(fault: Awaitable[Row]) -> Row:
    return asyncio.run(fault)
