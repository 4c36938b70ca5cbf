"""The pages of the monitor: the metrics, and the data of `tandem top` and the dashboard."""

import asyncio
import time
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

from django_tandem.model.scoreboard import WorkerSlot
from django_tandem.monitor import snapshots
from django_tandem.monitor.chart_marks import name_of
from django_tandem.monitor.collected import Collected
from django_tandem.monitor.dashboard import file_pages
from django_tandem.monitor.dashboard.access import only_on_socket
from django_tandem.monitor.last_hour import HOUR_MINUTES
from django_tandem.monitor.snapshot import WorkerState
from django_tandem.monitor.snapshots import SnapshotInputs
from django_tandem.runtime import shifts
from django_tandem.runtime.probes.http_server import Pages, Request, Response, json_response
from django_tandem.runtime.waiting import report
from django_tandem.runtime.workers import read_slots

# How long the page of the metrics is kept for further scrapers.
KEPT_S = 1.0
# Compression takes a fiftieth of the time in which a page is made, and leaves a thirtieth of it.
# A smaller page is sent uncompressed.
LEAST_COMPRESSED_BYTES = 100_000
# Zlib's largest window, in the format of gzip.
GZIP = zlib.MAX_WBITS + 16
VARY = "Vary: Accept, Accept-Encoding\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What a client accepts: its header ``Accept``, and whether a body in gzip."""

    formats: str
    gzip: bool


class MonitorPages:
    """Makes each page from what is collected at the moment of its request."""

    def __init__(self, collected: Collected, run_dir: Path) -> None:
        self._collected = collected
        self._run_dir = run_dir
        self._reported: set[str] = set()
        self._encoding = asyncio.Lock()
        self._kept_metrics = Response(status=HTTPStatus.OK, body=b"")
        self._kept_for, self._kept_until = Accepted(formats="", gzip=False), 0.0

    def by_path(self) -> Pages:
        """Return the pages by their paths."""
        data: Pages = {
            "/snapshot.json": self._snapshot_page,
            "/history.json": self._history_page,
            "/gauges.json": self._gauges_page,
        }
        # Paths in the data may hold what only the user of the stack should see.
        return {**only_on_socket({**file_pages(), **data}), "/metrics": self._metrics_page}

    async def _snapshot_page(self, _request: Request) -> Response:
        collected = self._collected
        inputs = SnapshotInputs(
            generation=collected.generation,
            stacks=tuple(dict.fromkeys(kind.stack for kind in collected.kinds if kind.stack)),
            workers=self._present_workers(),
            queues=collected.queues,
            marks=collected.marks.all,
            shifts=shifts.read(self._run_dir),
            lost_lines=collected.lost_lines,
        )
        found = snapshots.take(collected.aggregates, inputs, time.time())
        return json_response(HTTPStatus.OK, found.as_json())

    def _present_workers(self) -> tuple[WorkerState, ...]:
        # With slots that are read now: the age of a request in progress is measured from here.
        slots = {slot.pid: slot for slot in read_slots(self._run_dir)}
        return tuple(
            replace(each, slot=slots.get(each.slot.pid, each.slot))
            for each in self._collected.workers
        )

    async def _history_page(self, request: Request) -> Response:
        given = request.query.get("minutes", "")
        # int() also accepts digits that are not ASCII, and raises for more than 4,300 of them.
        is_number = given.isascii() and given.isdecimal() and len(given) < 10
        since = int(time.time()) // 60 - (int(given) if is_number else HOUR_MINUTES)
        return Response(status=HTTPStatus.OK, body=self._collected.last_hour.as_json(since))

    async def _gauges_page(self, _request: Request) -> Response:
        return json_response(HTTPStatus.OK, self._collected.gauges.as_json())

    async def _metrics_page(self, request: Request) -> Response:
        accepted = Accepted(
            formats=request.headers.get("accept", ""),
            gzip=_accepts_gzip(request.headers.get("accept-encoding", "")),
        )
        # With thousands of routes it takes a second: once, also for several scrapers.
        async with self._encoding:
            if accepted != self._kept_for or time.monotonic() >= self._kept_until:
                self._kept_metrics = await self._encode_metrics(accepted)
                self._kept_for, self._kept_until = accepted, time.monotonic() + KEPT_S
            return self._kept_metrics

    async def _encode_metrics(self, accepted: Accepted) -> Response:
        # Where nothing scrapes, its import would only take memory.
        from django_tandem.monitor import project_metrics, prometheus  # noqa: PLC0415

        collected = self._collected
        measured = prometheus.Measured(
            # The lines of the edge are counted on, while a thread encodes these.
            requests=collected.requests.copy(),
            workers=collected.worker_counts.copy(),
            slots=[self._with_bounded_routes(each.slot) for each in collected.workers],
            queues=collected.queues,
            generation=collected.generation,
            reloads=collected.marks.reloads,
            restarts=self._restarts(),
            pss_bytes=collected.pss_bytes,
            lost_lines=collected.lost_lines,
            shared_routes=collected.series_selection.shared,
            shifts=shifts.read(self._run_dir),
            project=project_metrics.read(
                self._run_dir,
                self._report_once,
                workers=[each.slot.pid for each in collected.workers],
            ),
        )

        def encode() -> Response:
            body, kind = prometheus.encode(measured, accepted.formats)
            page = Response(status=HTTPStatus.OK, body=body, content_type=kind, headers=VARY)
            return _compressed(page) if accepted.gzip else page

        return await asyncio.to_thread(encode)

    def _restarts(self) -> dict[str, int]:
        # A series that began with the first restart would hide it from increase().
        processes = self._collected.state.processes if self._collected.state else ()
        names = {name_of(log) for process in processes for log in process.logs}
        return {**dict.fromkeys(sorted(names), 0), **self._collected.marks.restarts}

    def _report_once(self, text: str) -> None:
        if text not in self._reported:
            self._reported.add(text)
            report(text)

    def _with_bounded_routes(self, slot: WorkerSlot) -> WorkerSlot:
        bound = self._collected.aggregates.bounded
        return replace(
            slot,
            websockets=_sums((bound(route), n) for route, n in slot.websockets.items()),
            streams=_sums((bound(route), n) for route, n in slot.streams.items()),
        )


def _accepts_gzip(accept_encoding: str) -> bool:
    for each in accept_encoding.lower().replace(" ", "").split(","):
        coding, _, weight = each.partition(";q=")
        if coding == "gzip":
            return not weight or weight.strip("0.") != ""
    return False


def _compressed(page: Response) -> Response:
    if len(page.body) < LEAST_COMPRESSED_BYTES:
        return page
    # At the first level: a higher one takes several times as long for a few percent.
    body = zlib.compress(page.body, 1, wbits=GZIP)
    return replace(page, body=body, headers=f"Content-Encoding: gzip\r\n{page.headers}")


def _sums(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    # Several routes may have the name of the others.
    found: Counter[str] = Counter()
    for route, count in counts:
        found[route] += count
    return dict(found)
