"""Five times the capacity for half a minute: further requests get 503 at once."""

import json
import shutil
import tempfile
from functools import partial
from pathlib import Path

from faults.row import Bound, Fault, Row
from overload.load import Burst, burst, capacity, control_echo, promised_s

from harness.stack import Up

SITE = Path(__file__).parents[1] / "overload" / "site"
WORKERS = 2
QUEUE = 40
TIMES = 5
SECONDS = 30
# Of a worker's time, which the one view burns and the other sleeps through.
WORK_S = 0.05


async def overload(work: str, *, seconds: float = SECONDS) -> Row:
    """Send five times the capacity, with a WebSocket and a control beside it."""
    wsgi = {"WORKERS": WORKERS, "QUEUE": QUEUE}
    setting = {"WSGI": wsgi, "ASGI": {"WORKERS": 1}}
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        directory = Path(shutil.copytree(SITE, Path(scratch, "p")))
        with (
            Up(directory, environment={"CROWD_TANDEM": json.dumps(setting)}) as up,
            control_echo() as control,
        ):
            url, echo = f"{up.url}/{work}/?s={WORK_S}", f"{up.url}/echo/"
            able = await capacity(url, connections=2 * WORKERS, seconds=5)
            pace = TIMES * max(able, WORKERS / WORK_S)
            found = await burst(url, echo, control, per_second=pace, seconds=seconds)
    served = min(able, len(found.served) / seconds)
    promise_s = promised_s(workers=WORKERS, queue=QUEUE, per_second=served)
    promise_s += max(found.control_s)
    return Row(
        sent=len(found.answers),
        failed=_failed(found),
        sockets=1,
        closes={},
        bounds=_bounds(found, promise_s),
        notes=(
            f"{able:.0f} a second were served, {pace:.0f} sent; {len(found.refused)} refused; "
            f"p99 of the WebSocket {found.echo_p99_s * 1000:.0f} ms, "
            f"of a plain echo server beside it {found.control_p99_s * 1000:.0f} ms",
        ),
    )


def _failed(found: Burst) -> dict[str, int]:
    wrong = [each.status for each in found.answers if each.status not in (200, 503)]
    return {f"status {status}": wrong.count(status) for status in sorted(set(wrong))}


def _bounds(found: Burst, promise_s: float) -> dict[str, Bound]:
    untold = sum(each.retry_after is None for each in found.refused)
    return {
        "neither 200 nor 503": Bound(value=sum(_failed(found).values()), at_most=0),
        "503 without Retry-After": Bound(value=untold, at_most=0),
        "served": Bound(value=len(found.served), at_least=1),
        "refused": Bound(value=len(found.refused), at_least=1),
        "slowest answer in s": Bound(value=found.slowest_s, at_most=promise_s),
        "WebSocket p99 in s": Bound(value=found.echo_p99_s, at_most=2 * found.control_p99_s + 0.05),
    }


FAULTS = tuple(
    Fault(name=f"overload-{work}", run=partial(overload, work)) for work in ("sleep", "burn")
)
