"""Five times what can be served: what is beyond is refused at once, and nobody else notices."""

import asyncio

import pytest

from overload.load import burst, calm_echo_p99_s, capacity, delays, promised_s, shortcomings

WORKERS = 2
QUEUE = 12
SECONDS = 4
WORK_S = 0.05
# What else this machine does may hold anything up, and never makes it quicker.
ATTEMPTS = 4


@pytest.mark.alone
@pytest.mark.parametrize("work", ["sleep", "burn"])
def test_overload_is_refused_and_hurts_nobody_else(up_with, work) -> None:
    """Each answer is 200 or 503 with Retry-After, in time, and a WebSocket stays quick."""
    with up_with(WORKERS=WORKERS, QUEUE=QUEUE) as up:
        tried = []
        while len(tried) < ATTEMPTS and all(late for _, late in tried):
            tried.append(asyncio.run(overload(up, f"/{work}/?s={WORK_S}")))

    assert [wrong for wrong, _ in tried if wrong] == []
    assert [] in [late for _, late in tried]


async def overload(up, path):
    """Return what was wrong with the answers, and what came late."""
    url, echo = f"{up.url}{path}", f"{up.url}/echo/"
    calm_s = await calm_echo_p99_s(echo, seconds=2)
    able = await capacity(url, connections=WORKERS * 2, seconds=2)
    # A machine that was busy with something else when it was measured may now have the time.
    pace = 5 * max(able, WORKERS / WORK_S)
    found = await burst(url, echo, per_second=pace, seconds=SECONDS)
    served = min(able, len(found.served) / SECONDS)
    promise_s = promised_s(workers=WORKERS, queue=QUEUE, per_second=served)
    return shortcomings(found), delays(found, promise_s=promise_s, calm_p99_s=calm_s)
