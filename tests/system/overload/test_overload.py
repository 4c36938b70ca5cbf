"""Five times the capacity: further requests get 503 at once, and WebSockets stay fast."""

import asyncio

import pytest

from overload.load import burst, capacity, control_echo, delays, shortcomings

WORKERS = 2
QUEUE = 12
SECONDS = 4
WORK_S = 0.05


@pytest.mark.alone
@pytest.mark.parametrize("work", ["sleep", "burn"])
def test_overload_gets_503_and_leaves_websockets_alone(up_with, work) -> None:
    """Each response is 200 or 503 with Retry-After, in time, and a WebSocket stays fast."""
    with up_with(monitor=True, WORKERS=WORKERS, QUEUE=QUEUE) as up, control_echo() as control:
        wrong, late = asyncio.run(overload(up, f"/{work}/?s={WORK_S}", control))

    assert (wrong, late) == ([], [])


async def overload(up, path, control):
    """Return what was wrong with the responses, and what was late."""
    url, echo = f"{up.url}{path}", f"{up.url}/echo/"
    able = await capacity(url, connections=WORKERS * 2, seconds=2)
    # The machine may have more time now than when its capacity was measured.
    pace = 5 * max(able, WORKERS / WORK_S)
    found = await burst(url, echo, control, per_second=pace, seconds=SECONDS)
    # On their way from the load to the queue and back, requests wait for some more.
    return shortcomings(found), delays(found, at_most=3 * (WORKERS + QUEUE))
