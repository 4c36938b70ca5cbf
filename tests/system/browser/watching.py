"""The pictures of the dashboard and of `tandem top`, of a stack that is made up."""

import io
import math
import random
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from django_tandem.cli.top_keys import TopView
from django_tandem.cli.top_screen import Size, screen
from django_tandem.monitor.dashboard import file_pages
from django_tandem.monitor.snapshot import Snapshot
from django_tandem.runtime.probes.http_server import Pages, json_response
from harness.history import hour
from harness.monitored import NOW, sample, serving
from harness.stack import free_port

DESKTOP = {"viewport": {"width": 1280, "height": 1108}, "device_scale_factor": 2}
# Of each worker's strip: its last two minutes.
SAMPLES = 60
EVERY_S = 2
AGES_S = (0.004, 0.03, 0.004, 0.2, 0.02, 0.7, 0.004, 2.4)
# Background, text, then black, red, green, yellow, blue, magenta, cyan and white.
THEME = TerminalTheme(
    (22, 27, 34),
    (222, 228, 234),
    [
        (72, 79, 88),
        (255, 123, 114),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (222, 228, 234),
    ],
)
TERMINAL = {"columns": 100, "rows": 24}

Take = Callable[[Page, Path], None]


def photograph(browser: Browser, directory: Path, take: Take) -> None:
    """Write dashboard.png and top.png."""
    port = free_port()
    with serving(_pages(), f"127.0.0.1:{port}"):
        page = browser.new_page(**DESKTOP, reduced_motion="reduce")
        page.clock.install(time=NOW - SAMPLES * EVERY_S)
        page.goto(f"http://127.0.0.1:{port}")
        expect(page.locator("#state-text")).to_have_text("Live")
        for _ in range(SAMPLES):
            with page.expect_response("**/snapshot.json"):
                page.clock.run_for(1000 * EVERY_S)
        take(page, directory / "dashboard.png")
    _photograph_top(browser, directory / "top.png", take)


def _photograph_top(browser: Browser, path: Path, take: Take) -> None:
    console = Console(
        record=True, file=io.StringIO(), force_terminal=True, width=TERMINAL["columns"]
    )
    size = Size(width=TERMINAL["columns"], height=TERMINAL["rows"])
    for line in screen(sample(), TopView(), size):
        console.print(line, no_wrap=True)
    page = browser.new_page(viewport={"width": 900, "height": 470}, device_scale_factor=2)
    page.set_content(console.export_html(theme=THEME, inline_styles=True))
    page.add_style_tag(
        content="body { margin: 14px 18px } pre { font: 14px/18px 'DejaVu Sans Mono', monospace }"
    )
    take(page, path)


def _pages() -> Pages:
    moments = iter(range(SAMPLES * EVERY_S, -1, -EVERY_S))

    async def snapshot(_):
        return json_response(HTTPStatus.OK, _moment(next(moments, 0)).as_json())

    async def history(_):
        return json_response(HTTPStatus.OK, hour())

    async def gauges(_):
        return json_response(HTTPStatus.OK, _gauges())

    data = {"/snapshot.json": snapshot, "/history.json": history, "/gauges.json": gauges}
    return {**file_pages(), **data}


def _moment(ago_s: int) -> Snapshot:
    """Return the sample some seconds earlier, its workers on requests of all ages."""
    chance = random.Random(ago_s)
    workers = []
    for worker in sample().workers:
        requests = tuple(
            replace(each, since=NOW - ago_s - chance.choice(AGES_S))
            for each in worker.slot.in_flight
            if not ago_s or chance.random() < 0.7
        )
        lag_s = worker.slot.lag_s and 0.004 + 0.003 * chance.random()
        slot = replace(
            worker.slot, in_flight=requests, in_flight_count=len(requests), lag_max_s=lag_s
        )
        workers.append(replace(worker, slot=slot))
    return replace(sample(), at=NOW - ago_s, workers=tuple(workers))


def _gauges() -> list[dict[str, object]]:
    chance = random.Random(1)
    return [
        {
            "at": NOW - ago_s,
            "stack": stack,
            "queue_length": max(0, round(4 * math.sin(ago_s / 400) - 1)) if is_wsgi else 0,
            "workers_busy": round(2.5 + 1.4 * math.sin(ago_s / 500)) if is_wsgi else 1,
            "websockets": 0 if is_wsgi else round(96 + 14 * math.sin(ago_s / 700)),
            "streams": 0 if is_wsgi else 12,
            "lag_s": None if is_wsgi else 0.004 + 0.003 * chance.random(),
        }
        for ago_s in range(3600, 120, -10)
        for stack, is_wsgi in (("asgi", False), ("wsgi", True))
    ]
