"""The pages of the monitor are of the moment of their request."""

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import oracle.configured  # noqa: F401 - the scoreboard's writer needs settings
import pytest

from django_tandem.inprocess.scoreboard import Scoreboard
from django_tandem.monitor import pages, prometheus
from django_tandem.monitor.aggregates import Aggregates
from django_tandem.monitor.chart_marks import ChartMarks
from django_tandem.monitor.collected import Collected
from django_tandem.monitor.pages import LEAST_COMPRESSED_BYTES, VARY, MonitorPages
from django_tandem.monitor.prometheus import Measured
from django_tandem.monitor.request_lines import parse
from django_tandem.monitor.snapshot import WorkerState
from django_tandem.runtime.probes.http_server import Request, Response
from django_tandem.runtime.workers import read_slots
from unit.monitor.lines import line


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Scoreboard]:
    opened = Scoreboard(tmp_path, "wsgi", 1, dict)
    opened.start()
    yield opened
    opened.remove()


def test_a_snapshot_has_the_requests_that_are_in_progress_now(tmp_path, board) -> None:
    """One that has ended since the last look is not shown, and would look old."""
    ended = board.begin("GET", "/ended/", "1")
    seen = tuple(WorkerState(slot=slot) for slot in read_slots(tmp_path))
    board.end(ended)
    board.begin("GET", "/present/", "2")
    now = time.time()
    collected = Collected(aggregates=Aggregates(now), marks=ChartMarks(now), workers=seen)

    request = Request(method="GET", path="/snapshot.json", query={}, headers={}, server="/socket")
    page = MonitorPages(collected, tmp_path).by_path()["/snapshot.json"]
    snapshot = json.loads(asyncio.run(page(request)).body)

    assert [each["path"] for each in seen_requests(snapshot)] == ["/present/"]
    assert [each.path for each in seen[0].slot.in_flight] == ["/ended/"]


def seen_requests(snapshot: dict) -> list[dict]:
    return snapshot["workers"][0]["slot"]["in_flight"]


def test_the_metrics_are_encoded_in_a_thread_once_a_second(tmp_path, monkeypatch) -> None:
    """With thousands of routes it takes a second, in which the monitor does its other work."""
    threads: list[str] = []

    def encode(measured: Measured, _accept: str) -> tuple[bytes, str]:
        threads.append(threading.current_thread().name)
        return str(len(measured.requests.durations)).encode(), "text/plain"

    monkeypatch.setattr(prometheus, "encode", encode)
    now = time.time()
    collected = Collected(aggregates=Aggregates(now), marks=ChartMarks(now))
    page = MonitorPages(collected, tmp_path).by_path()["/metrics"]
    request = Request(method="GET", path="/metrics", query={}, headers={}, server="/socket")

    async def scrape() -> list[bytes]:
        together = await asyncio.gather(page(request), page(request))
        collected.requests.add(parse(line()))
        monkeypatch.setattr(pages, "KEPT_S", 0.0)
        open_metrics = replace(request, headers={"accept": "application/openmetrics-text"})
        return [each.body for each in (*together, await page(request), await page(open_metrics))]

    assert asyncio.run(scrape()) == [b"0", b"0", b"0", b"1"]
    assert len(threads) == 2
    assert threading.main_thread().name not in threads


@pytest.mark.parametrize(
    ("page_bytes", "accepted", "is_compressed"),
    [
        (LEAST_COMPRESSED_BYTES, "gzip", True),
        (LEAST_COMPRESSED_BYTES, "deflate, GZip;q=0.8", True),
        (LEAST_COMPRESSED_BYTES, "gzip; q=0.0, identity", False),
        (LEAST_COMPRESSED_BYTES, "br", False),
        (LEAST_COMPRESSED_BYTES, "", False),
        (LEAST_COMPRESSED_BYTES - 1, "gzip", False),
    ],
)
def test_a_large_page_of_metrics_is_compressed_for_a_client_that_accepts_it(
    tmp_path, monkeypatch, page_bytes, accepted, is_compressed
) -> None:
    """With thousands of routes it has megabytes, and most of them are names."""
    text = b"a" * page_bytes
    monkeypatch.setattr(prometheus, "encode", lambda _measured, _accept: (text, "text/plain"))
    now = time.time()
    collected = Collected(aggregates=Aggregates(now), marks=ChartMarks(now))
    page = MonitorPages(collected, tmp_path).by_path()["/metrics"]
    headers = {"accept-encoding": accepted}
    request = Request(method="GET", path="/metrics", query={}, headers=headers, server="/socket")

    async def scrape() -> tuple[Response, Response]:
        return await page(request), await page(replace(request, headers={}))

    found, uncompressed = asyncio.run(scrape())

    assert ("Content-Encoding: gzip\r\n" in found.headers) is is_compressed
    assert (gzip.decompress(found.body) if is_compressed else found.body) == text
    assert (uncompressed.body, uncompressed.headers) == (text, VARY)
    assert found.headers.endswith(VARY)


@pytest.mark.parametrize("server", ["10.0.0.7", "127.0.0.1"])
@pytest.mark.parametrize(
    ("path", "status"), [("/", 403), ("/snapshot.json", 403), ("/metrics", 200)]
)
def test_an_address_has_the_metrics_alone(tmp_path, path, status, server) -> None:
    """Paths of requests may hold secrets."""
    now = time.time()
    collected = Collected(aggregates=Aggregates(now), marks=ChartMarks(now))
    by_path = MonitorPages(collected, tmp_path).by_path()
    request = Request(method="GET", path=path, query={}, headers={}, server=server)

    assert asyncio.run(by_path[path](request)).status == status
