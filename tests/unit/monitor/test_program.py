"""The monitor as a whole, beside a stack that changes."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from builders import plan
from django_tandem.monitor import program
from django_tandem.monitor.gauges import Gauges
from django_tandem.monitor.history import HISTORY, HistoryWriter
from django_tandem.monitor.last_hour import LastHour
from django_tandem.monitor.minutes import RouteMinute
from django_tandem.monitor.program import BackgroundWriter, Monitor
from django_tandem.render import supervisor
from django_tandem.runtime.workers import ScoreboardReader
from unit.monitor.lines import line

SOON_S = 10.0


@pytest.fixture(autouse=True)
def fast(monkeypatch) -> None:
    for name in ("READ_EVERY_S", "SAMPLE_EVERY_S"):
        monkeypatch.setattr(program, name, 0.02)


def write_state(run_dir: Path, generation: int = 1, **tandem: object) -> None:
    made = plan(run_dir=str(run_dir), generation=generation, tandem=tandem)
    for file in supervisor.TARGET.render(made):
        written = run_dir / f"{file.name}.new"
        written.write_text(file.content)
        written.replace(run_dir / file.name)


async def becomes(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON_S):
        while not condition():
            await asyncio.sleep(0.01)


def test_the_monitor_of_another_version_ends(tmp_path, monkeypatch, capsys) -> None:
    """A reload after an upgrade has newer workers; supervisord restarts the monitor."""
    write_state(tmp_path)

    async def upgrade() -> None:
        running = asyncio.create_task(Monitor(tmp_path, os.getpid()).run())
        await becomes((tmp_path / "metrics.sock").exists)
        monkeypatch.setattr(program, "installed_version", lambda: "99")
        write_state(tmp_path, generation=2)
        await asyncio.wait_for(running, SOON_S)

    asyncio.run(upgrade())
    reported = "Another version of django-tandem was installed: the monitor restarts.\n"
    assert capsys.readouterr().err.endswith(reported)


def test_minutes_are_kept_while_the_workers_can_not_be_read(tmp_path, monkeypatch) -> None:
    """A failure of one task is none of the others."""

    def fails(_: ScoreboardReader) -> None:
        raise RuntimeError

    monkeypatch.setattr(ScoreboardReader, "read", fails)
    write_state(tmp_path)
    (tmp_path / "requests.tsv").write_text(f"{line(at=str(time.time() - 300))}\n")
    kept: list[RouteMinute] = []
    monkeypatch.setattr(LastHour, "add", lambda _, records, __: kept.extend(records))

    async def run() -> None:
        running = asyncio.create_task(Monitor(tmp_path, os.getpid()).run())
        await becomes(lambda: kept)
        running.cancel()

    asyncio.run(run())
    assert [each.route for each in kept] == ["/shop/"]


def test_an_address_that_is_taken_is_tried_again(tmp_path, monkeypatch) -> None:
    """An old stack may still stop; the failure is reported once."""
    reported: list[str] = []
    monkeypatch.setattr(program, "report", reported.append)
    samples: list[float] = []
    monkeypatch.setattr(Gauges, "add", lambda _, now, *__: samples.append(now))

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            write_state(tmp_path, METRICS=f"127.0.0.1:{port}")
            running = asyncio.create_task(Monitor(tmp_path, os.getpid()).run())
            await becomes(lambda: len(samples) > 3)
        await becomes(lambda: is_served(port))
        running.cancel()

    asyncio.run(run())
    assert [each.partition(":")[0] for each in reported] == ["Can't listen on 127.0.0.1"]


def is_served(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_monitor_that_starts_reads_the_last_hour_back(tmp_path) -> None:
    """Of what an earlier one has written; each record once, also of the minute that has begun."""
    write_state(tmp_path)
    now = int(time.time()) // 60
    minutes = (now - 90, now - 59, now - 30, now)
    history = HistoryWriter(tmp_path / HISTORY)
    history.write(
        [RouteMinute(each, f"/{now - each}/", "wsgi", statuses={200: 1}) for each in minutes]
    )

    async def run() -> str:
        monitor = Monitor(tmp_path, os.getpid())
        running = asyncio.create_task(monitor.run())
        await becomes((tmp_path / "metrics.sock").exists)
        running.cancel()
        return monitor._collected.last_hour.as_json(0).decode()

    found = json.loads(asyncio.run(run()))
    assert [each["route"] for each in found if each["minute"] <= now] == ["/59/", "/30/", "/0/"]


@pytest.mark.processes
def test_the_monitor_imports_nothing_that_only_few_stacks_need() -> None:
    """They would stay in its memory: a scrape, an ENV_FILE and a token import theirs."""
    unneeded = (
        "django",
        "prometheus_client",
        "importlib.metadata",
        "hmac",
        "django_tandem.settings",
    )
    code = "import sys, django_tandem.monitor.program; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert set(unneeded).isdisjoint(found.stdout.split())


def test_another_version_on_the_disk_is_found(tmp_path, monkeypatch) -> None:
    """As pip replaces the package; or removes it, with the release that it is in."""
    package = tmp_path / "__init__.py"
    package.write_text('__version__ = "1"')
    monkeypatch.setattr(program.django_tandem, "__file__", str(package))
    first = program.installed_version()
    package.write_text('__version__ = "2"')
    second = program.installed_version()
    package.unlink()

    assert len({first, second, program.installed_version()}) == 3


def minute(number: int) -> list[RouteMinute]:
    return [RouteMinute(number, "shop/", "wsgi")]


def test_minutes_are_written_one_after_the_other() -> None:
    """close() waits for them."""
    written = []
    writer = BackgroundWriter(written.extend)

    writer.write(minute(1))
    writer.write(minute(2))
    writer.close()

    assert written == [*minute(1), *minute(2)]


def test_a_minute_is_lost_while_two_are_unfinished(capsys) -> None:
    """They would take more and more memory."""
    released, written = threading.Event(), []

    def write(records: list[RouteMinute]) -> None:
        released.wait(10)
        written.extend(records)

    writer = BackgroundWriter(write)
    for number in range(4):
        writer.write(minute(number))
    released.set()
    writer.close()

    assert written == [*minute(0), *minute(1)]
    line = "Writing to the disk took longer than a minute: one is missing from the history.\n"
    assert capsys.readouterr().err == 2 * line


def test_a_bug_of_one_minute_does_not_end_the_others(capsys) -> None:
    """Its traceback is in the log."""
    written = []

    def write(records: list[RouteMinute]) -> None:
        if records[0].minute == 1:
            raise LookupError("a bug")
        written.extend(records)

    writer = BackgroundWriter(write)
    for number in (1, 2):
        writer.write(minute(number))
    writer.close()

    assert written == minute(2)
    assert "LookupError: a bug" in capsys.readouterr().err
