"""
What one master saves at a reload, and that it costs no speed.

Two copies of the example are served side by side, one by an older revision of this project which
had a program for each server, and reloaded in turn: without a load for the imports and the CPU
time, at a hundred requests a second for the slowest of them. Then rounds with the shared master
and with separate programs, each alone on the machine.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import shutil
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
from example import LEFT_OUT, served
from results import Ratio, finish, run, say
from side_by_side.compared import EVERY, TANDEM, read_project
from side_by_side.loads import ASYNC_16, BROADCAST_1000, SYNC
from side_by_side.surroundings import surroundings

from django_tandem.bench.report import BenchReport, report
from django_tandem.bench.resources import count_database_connections
from django_tandem.bench.results import REQUESTS, BenchMetric, Round, median
from django_tandem.bench.session import Schedule, Session
from django_tandem.runtime import lock, run_dir
from django_tandem.runtime.reload import wait_until_drained
from django_tandem.runtime.usage import total_usage, usage_of

SEPARATE, BEFORE = "tandem-separate", "before"
# A short window: nothing is open that it would spread.
SETTINGS = '{"DRAIN_S": 1}'
DRIVER = (sys.executable, "-m", "side_by_side.driver")
RELOADS, QUIET_RELOADS = 20, 4
RATE = 100
PATHS = ("/api/lots/", "/api/shipping/1/")
# Appended to the settings, which each process that loads the project imports once.
LOG_IMPORT = """
from pathlib import Path
with Path(__file__).with_name("imports.log").open("a") as _log:
    print("imported", file=_log)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A copy of the example behind `tandem up`, which the interpreter ``python`` runs."""

    name: str
    url: str
    directory: Path
    python: str

    @property
    def run_dir(self) -> Path:
        return run_dir.locate(str(self.directory), ".tandem")

    @property
    def imports(self) -> int:
        """How often the project was imported so far."""
        return len((self.directory / "imports.log").read_text().splitlines())

    def cpu_s(self) -> float:
        """Return the CPU time of the whole stack, of what has ended too."""
        root = psutil.Process(lock.holder(self.run_dir) or 0)
        return total_usage(map(usage_of, (root, *root.children(recursive=True)))).cpu_s


@dataclass(slots=True)
class OpenLoad:
    """So many requests a second, however long each takes."""

    slowest_s: float = 0.0
    sent: int = 0
    failures: list[str] = field(default_factory=list)

    async def ask(self, session: aiohttp.ClientSession, url: str) -> None:
        began = time.perf_counter()
        self.sent += 1
        try:
            async with session.get(url) as answer:
                await answer.read()
                if answer.status != 200:
                    self.failures.append(f"{url}: {answer.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            self.failures.append(f"{url}: {type(error).__name__}")
        self.slowest_s = max(self.slowest_s, time.perf_counter() - began)

    async def send(self, url: str) -> None:
        """Send until it is cancelled."""
        timeout = aiohttp.ClientTimeout(total=30)
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            asyncio.TaskGroup() as group,
        ):
            started = time.perf_counter()
            for number, path in enumerate(itertools.cycle(PATHS)):
                await asyncio.sleep(started + number / RATE - time.perf_counter())
                group.create_task(self.ask(session, url + path))


@asynccontextmanager
async def under_load(url: str) -> AsyncIterator[OpenLoad]:
    load = OpenLoad()
    sending = asyncio.create_task(load.send(url))
    try:
        yield load
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending


async def reload(stack: Served) -> float:
    """Reload, wait until only the new generation runs, and return the command's CPU time."""
    argv = ("-m", "django_tandem", "reload", "--settings", "bench_settings")
    before = os.times()
    process = await asyncio.create_subprocess_exec(
        stack.python, *argv, cwd=stack.directory, stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait():
        raise RuntimeError(f"{stack.name}: the reload was refused")
    after = os.times()
    await asyncio.to_thread(wait_until_drained, stack.run_dir)
    user, system = (after.children_user, after.children_system)
    return user + system - before.children_user - before.children_system


@dataclass(slots=True)
class Figures:
    """What the reloads of one stack took."""

    imports: list[int] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    slowest_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


async def reload_quietly(stack: Served, figures: Figures) -> None:
    """Reload without a load, and note the imports and the CPU time."""
    imports, cpu_s = stack.imports, stack.cpu_s()
    command_s = await reload(stack)
    figures.imports.append(stack.imports - imports)
    figures.cpu_s.append(stack.cpu_s() - cpu_s + command_s)


async def reload_loaded(stack: Served, figures: Figures) -> None:
    """Reload under load, and note the slowest request."""
    async with under_load(stack.url) as load:
        await asyncio.sleep(1)
        await reload(stack)
        await asyncio.sleep(1)
    figures.slowest_s.append(load.slowest_s)
    figures.failures.extend(load.failures)


@contextlib.contextmanager
def both(pythons: dict[str, str]) -> Iterator[list[Served]]:
    """Serve copies of the project in the working directory, each with its interpreter."""
    with ExitStack() as stack:
        found = []
        for name, python in pythons.items():
            directory = Path(shutil.copytree(".", Path.cwd().with_name(name), ignore=LEFT_OUT))
            if name == BEFORE:
                # Today's imports what an older revision does not have.
                own = Path(python).parents[2] / "tree" / "example"
                shutil.copytree(own, directory, dirs_exist_ok=True, ignore=LEFT_OUT)
            with contextlib.suppress(FileNotFoundError):
                (directory / "imports.log").unlink()
            url = stack.enter_context(
                served(
                    directory, SETTINGS, base="benchsite.settings", more=LOG_IMPORT, python=python
                )
            )
            found.append(Served(name=name, url=url, directory=directory, python=python))
        yield found


def reloads(times: int, pythons: dict[str, str]) -> dict[str, Figures]:
    """Reload both in turn."""
    figures = {name: Figures() for name in pythons}
    with both(pythons) as stacks:
        for number in range(QUIET_RELOADS):
            for each in stacks[:: 1 if number % 2 else -1]:
                asyncio.run(reload_quietly(each, figures[each.name]))
        for number in range(times):
            for each in stacks[:: 1 if number % 2 else -1]:
                asyncio.run(reload_loaded(each, figures[each.name]))
    for name, each in figures.items():
        say(
            f"{name}: {each.imports} imports, {statistics.median(each.cpu_s):.2f} s of CPU, "
            f"slowest request {max(each.slowest_s):.2f} s, {len(each.failures)} requests failed"
        )
    return figures


DELIVERIES = BenchMetric(
    name="deliveries_a_cpu_second",
    title="deliveries/CPU s",
    unit="/s",
    read=lambda each: _deliveries(each) / each.use.cpu_s,
    more_is_better=True,
)


def _deliveries(each: Round) -> float:
    sockets = BROADCAST_1000.sockets
    return each.driven.sockets.opened / sockets.every_s * each.driven.seconds


SPEEDS = ((SYNC, REQUESTS), (ASYNC_16, REQUESTS), (BROADCAST_1000, DELIVERIES))


def speeds(rounds: int) -> BenchReport:
    """Run rounds of both, each alone on the machine."""
    made = read_project()
    session = Session(
        topologies=[each.topology(made) for each in EVERY if each.name in (TANDEM, SEPARATE)],
        workloads=[workload for workload, _ in SPEEDS],
        schedule=Schedule(
            rounds=rounds, seconds=4, warm_s=1, count=count_database_connections(), driver=DRIVER
        ),
        report_step=say,
        report_failure=say,
    )
    session.run()
    return report(session, title="", command=[], baseline=SEPARATE, began=time.monotonic())


def speed_ratios(found: BenchReport) -> Iterator[tuple[str, Ratio]]:
    """Yield tandem's figure over the other's, for each workload."""
    for workload, metric in SPEEDS:
        rows = [found.row(workload.name, name) for name in (TANDEM, SEPARATE)]
        over, under = (row and median(row, metric) for row in rows)
        why = None if over and under else "; ".join(row.failure for row in rows if row)
        yield (
            f"{workload.name}, {metric.title}: tandem / separate",
            Ratio(value=over / under if over and under else None, at_least=0.97, why=why),
        )


def main() -> int:
    """Print each ratio with its bound."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reloads", type=int, default=RELOADS)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--before", required=True, help="the interpreter of the older revision")
    options = parser.parse_args()
    # Not resolved: that is what makes it the interpreter of its environment.
    pythons = {TANDEM: sys.executable, BEFORE: os.path.abspath(options.before)}  # noqa: PTH100
    with surroundings():
        figures = reloads(options.reloads, pythons)
        found = speeds(options.rounds)
    ours, before = figures[TANDEM], figures[BEFORE]
    failed = len(ours.failures)
    return finish(
        "bench-start",
        {
            "imports of a reload": Ratio(value=float(max(ours.imports)), at_most=2),
            "CPU time of a reload: before / tandem": Ratio(
                value=statistics.median(before.cpu_s) / statistics.median(ours.cpu_s), at_least=2
            ),
            "slowest request of the reloads: before / tandem": Ratio(
                value=max(before.slowest_s) / max(ours.slowest_s), at_least=3
            ),
            "failed requests": Ratio(value=float(failed), at_most=0),
            **dict(speed_ratios(found)),
        },
        packages=("django", "gunicorn", "uvicorn"),
        reloads=options.reloads,
        slowest_s={TANDEM: ours.slowest_s, BEFORE: before.slowest_s},
        cpu_s={TANDEM: ours.cpu_s, BEFORE: before.cpu_s},
        imports={TANDEM: ours.imports, BEFORE: before.imports},
    )


if __name__ == "__main__":
    run(main)
