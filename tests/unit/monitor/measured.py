"""What the monitor measures of a stack, with a value for each metric."""

from prometheus_client.parser import text_string_to_metric_families

from builders import shift
from django_tandem.model.scoreboard import Mailboxes, Messages, Threads, WorkerSlot
from django_tandem.model.shifts import SideFigures
from django_tandem.monitor.counters import RequestCounters, WorkerCounters
from django_tandem.monitor.prometheus import Measured, encode
from django_tandem.monitor.request_lines import parse
from django_tandem.runtime.listen_queues import ListenQueue
from unit.monitor.lines import line


def worker(pid: int, **changes) -> WorkerSlot:
    return WorkerSlot(
        **{"pid": pid, "stack": "asgi", "generation": 2, "started_at": 1.0, **changes}
    )


def measured_stack() -> Measured:
    """Two workers on ASGI, one of them busy, and an idle one on WSGI."""
    requests, workers = RequestCounters(), WorkerCounters()
    for duration in ("0.004", "0.030", "20.000"):
        requests.add(parse(line(duration=duration)))
    requests.add(parse(line(by="wsgi>asgi", route='/odd\\"\\\\n/')))
    busy = worker(
        7,
        in_flight_count=2,
        lag_s=0.001,
        lag_max_s=0.25,
        threads=Threads(size=8, idle=5, queued=2, overflow=1),
        database_connections={"default": 3},
        websockets={"/ws/": 4},
        streams={"/events/": 2},
        messages=Messages(received=5, sent=6),
        mailboxes=Mailboxes(longest=7, dropped=8, closed=9),
        closes={"1001": 2},
        stream_ends={"left": 1},
    )
    workers.update([])
    workers.update([busy])
    return Measured(
        requests=requests,
        workers=workers,
        slots=[busy, worker(8, lag_max_s=0.002), worker(9, stack="wsgi")],
        queues={"wsgi": ListenQueue(length=3, limit=64)},
        generation=2,
        reloads=1,
        restarts={"nginx": 1},
        pss_bytes={"nginx": 1e6},
        lost_lines=4,
        shared_routes=5,
        shifts=(shift(on_trial=SideFigures(requests=9, failed=1, p95_s=0.25)),),
    )


def labels_by_metric() -> dict[str, set[str]]:
    """Return the names of the labels of each metric on the page."""
    body, _ = encode(measured_stack(), "")
    return {
        sample.name: {*sample.labels}
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }
