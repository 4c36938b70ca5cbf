"""
Deliveries a core, memory and latencies of WebSockets: stock servers and layers, and ours.

Every variant in turn, in short rounds: ``python benchmarks/sockets.py [--only NAME …] [--part
WORD …] [--rounds N]``. `make bench-sockets` runs all of it, in a quarter of an hour.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from cpu_shares import CpuShares
from results import finish, run, say
from side_by_side.bounds import FAILED_SHARE
from side_by_side.compared import EVERY as TOPOLOGIES
from side_by_side.compared import TANDEM, read_project
from side_by_side.loads import SYNC
from side_by_side.surroundings import surroundings
from socket_figures import (
    BESIDE_P99,
    DRF,
    EDGE_KB,
    LOST,
    MEMORY,
    P99,
    PER_CORE,
    REFERENCE,
    STALLED,
    WITH,
    WITH_EDGE,
    WITHOUT,
    Measurements,
    ratios,
)
from socket_variants import CORE, EVERY, FRAMES, OURS, SocketVariant, served

from django_tandem.bench import fanout
from django_tandem.bench.fanout_load import FanoutLoad
from django_tandem.bench.fanout_results import BroadcastResult, IdleResult, MeasureUsage, PartUsage
from django_tandem.bench.fanout_workload import FanoutJob, raise_open_files
from django_tandem.bench.launch import RunningTopology, running
from django_tandem.bench.resources import usage_of_parts
from django_tandem.bench.workload import Job, decode_result, encode
from django_tandem.errors import TandemError

# As a small event of a site has it.
MESSAGE = json.dumps({"type": "bid", "at": "{stamp}", "lot": 17, "amount": "1250.00", "by": "ada"})
MEMBERS, IDLE, MANY = 1000, 5000, 5000
SECONDS, BESIDE_S, MANY_S, STALLED_S = 4.0, 6.0, 15.0, 8.0
# A hundred WebSockets that get ten broadcasts a second: a thousand deliveries a second.
BESIDE, BESIDE_EVERY_S = 100, 0.1
STALLED_EVERY_S = 0.1
ROUNDS = 3
# Of each start of a stack: single measurements of a list that computes scatter by a tenth.
BESIDE_TIMES = 4
PROCESSES = 2
BESIDE_PATH = "/ws/broadcast/"
DRIVER = (sys.executable, "-P", "-m", "django_tandem.bench.driver")
PACKAGES = ("django", "channels", "channels-redis", "redis", "uvicorn", "websockets", "uvloop")


def main() -> int:
    """Print each ratio with its bound."""
    options = _parsed()
    raise_open_files()
    found = Measurements()
    began = time.monotonic()
    parts: Mapping[str, Callable[[], None]] = {
        "deliveries": lambda: deliveries(found, options),
        "idle": lambda: idle(found, options),
        "many": lambda: many(found),
        "stalled": lambda: stalled(found, options),
        "beside": lambda: beside(found, options),
    }
    with surroundings():
        for name, measure in parts.items():
            if not options.part or name in options.part:
                measure()
    is_part = bool(options.only or options.part)
    every = ratios(found)
    measured = {name: each for name, each in every.items() if each.value is not None}
    return finish(
        "bench-sockets-part" if is_part else "bench-sockets",
        measured if is_part and not found.failures else every,
        packages=PACKAGES,
        seconds=round(time.monotonic() - began),
        figures=found.rounds,
        rounds=found.raw,
        failures=found.failures,
    )


def deliveries(found: Measurements, options: argparse.Namespace) -> None:
    """Broadcast to a thousand members as fast as they receive; no client offers compression."""
    for variant in _rounds(options, EVERY, found):
        with _keeping(found, variant.name), served(variant) as site:
            _, sent = asyncio.run(_broadcast(site.url, variant.path, site.use, MEMBERS, SECONDS))
            _require_whole(sent)
            found.add(PER_CORE, variant.name, sent.per_core, asdict(sent))
            found.add(WITH_EDGE, variant.name, sent.per_core_with_edge)
            say(f"{variant.name}: {_summary(sent)}")


def idle(found: Measurements, options: argparse.Namespace) -> None:
    """Open five thousand, each offering compression as a browser does."""
    for variant in _rounds(options, (CORE, OURS), found, rounds=2):
        with _keeping(found, variant.name), served(variant) as site:
            result = asyncio.run(_idle(site.url, variant.path, site.use, IDLE))
            found.add(MEMORY, variant.name, result.servers_kb, asdict(result))
            found.add(EDGE_KB, variant.name, result.edge_kb)
            say(f"{variant.name}: {result.servers_kb} kB a socket, edge {result.edge_kb} kB")


def many(found: Measurements) -> None:
    """Send five thousand a message a second, on all CPUs."""
    with _keeping(found, FRAMES.name), served(FRAMES, {}) as site:
        _, sent = asyncio.run(
            _broadcast(site.url, FRAMES.path, site.use, MANY, MANY_S, every_s=1.0)
        )
        found.add(P99, FRAMES.name, sent.latency and sent.latency.p99_ms, asdict(sent))
        found.add(LOST, FRAMES.name, sent.lost)
        say(f"{MANY} sockets, a message a second: {_summary(sent)}")


def stalled(found: Measurements, options: argparse.Namespace) -> None:
    """Broadcast to a thousand members, one of which reads nothing, and without that one."""
    with _keeping(found, OURS.name), served(OURS) as site:
        for number in range(options.rounds):
            order = (WITHOUT, WITH)[:: 1 if number % 2 == 0 else -1]
            for name, result in asyncio.run(_stalled(site.url, site.use, order)).items():
                _require_whole(result)
                found.add(STALLED, name, result.latency and result.latency.p99_ms, asdict(result))
                say(f"{name} a stalled client: {_summary(result)}")


def beside(found: Measurements, options: argparse.Namespace) -> None:
    """Load the example's list beside a thousand deliveries a second, and without them."""
    os.environ["BENCH_LAYER"] = "tandem"
    try:
        made = read_project()
    except TandemError as error:
        found.failures[TANDEM] = error.message
        return
    names = (TANDEM, REFERENCE)
    compared = [each.topology(made) for each in TOPOLOGIES if each.name in names]
    for number in range(options.rounds):
        for topology in compared[:: 1 if number % 2 else -1]:
            is_ours = topology.name == TANDEM
            # The channel layer of each is its own: the environment reaches its processes.
            os.environ["BENCH_LAYER"] = "tandem" if is_ours else "core"
            with _keeping(found, topology.name), running(topology) as stack:
                _beside(found, stack, WITH if is_ours else REFERENCE, is_ours=is_ours)
    alone, by_hand = found.values(DRF, WITHOUT), found.values(DRF, REFERENCE)
    if alone and by_hand:
        limit = statistics.median(alone) / statistics.median(by_hand)
        say(f"tandem's requests/s without deliveries / by hand beside them: {limit:.3f}")


def _beside(found: Measurements, stack: RunningTopology, name: str, *, is_ours: bool) -> None:
    for _ in range(BESIDE_TIMES):
        if is_ours:
            alone, _, cpus = asyncio.run(_drf(stack, every_s=None))
            found.add(DRF, WITHOUT, alone, cpus)
            say(f"without: {alone:.0f} requests/s; CPUs: {_listed(cpus)}")
        per_second, sent, cpus = asyncio.run(_drf(stack, every_s=BESIDE_EVERY_S))
        found.add(DRF, name, per_second, cpus)
        if sent is not None:
            found.add(BESIDE_P99, name, sent.latency and sent.latency.p99_ms, asdict(sent))
            say(f"{name}: {per_second:.0f} requests/s; {_summary(sent)}; CPUs: {_listed(cpus)}")


def _listed(cpus: Mapping[str, float]) -> str:
    """Return the programs that use a five-hundredth of a CPU or more."""
    return ", ".join(f"{name} {used:.3f}" for name, used in cpus.items() if used >= 0.002)


async def _drf(
    stack: RunningTopology, *, every_s: float | None
) -> tuple[float | None, BroadcastResult | None, dict[str, float]]:
    """Return the list's requests a second, the broadcasts beside it, and the CPUs by program."""

    def use() -> PartUsage:
        return usage_of_parts(stack.supervisord.pid, stack.run_dir)

    job = FanoutJob(url=stack.url, path=BESIDE_PATH, offers_deflate=False)
    async with FanoutLoad(job, 1) as load:

        async def trigger() -> int:
            return await load.send(MESSAGE)

        await load.open(BESIDE)
        await load.wait_received(await trigger(), fanout.DELIVERY_S)
        driving = asyncio.create_task(_drive(stack.url))
        await asyncio.sleep(1.5)
        sent, shares = None, CpuShares()
        if every_s is None:
            await asyncio.sleep(BESIDE_S)
        else:
            sent = await fanout.broadcast(load, trigger, use, seconds=BESIDE_S, every_s=every_s)
        cpus = shares.by_program()
        return await driving, sent, cpus


async def _drive(url: str) -> float | None:
    process = await asyncio.create_subprocess_exec(
        *DRIVER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    job = Job(url=url, workload=SYNC, seconds=BESIDE_S, warm_s=1.5)
    output, _ = await process.communicate(encode(job).encode())
    result = decode_result(output.decode().splitlines()[-1])
    if result.failed > FAILED_SHARE * result.answered:
        raise RuntimeError(f"{result.failed} requests failed, {result.answered} were answered")
    return result.per_second


async def _broadcast(
    url: str,
    path: str,
    use: MeasureUsage,
    members: int,
    seconds: float,
    *,
    every_s: float = 0.0,
) -> tuple[IdleResult, BroadcastResult]:
    async with FanoutLoad(FanoutJob(url=url, path=path, offers_deflate=False), PROCESSES) as load:

        async def trigger() -> int:
            return await load.send(MESSAGE)

        opened = await fanout.open_idle(load, members, trigger, use)
        # Its first broadcasts to all fill caches and buffers.
        await fanout.broadcast(load, trigger, use, seconds=1.0, every_s=every_s)
        return opened, await fanout.broadcast(load, trigger, use, seconds=seconds, every_s=every_s)


async def _idle(url: str, path: str, use: MeasureUsage, count: int) -> IdleResult:
    async with FanoutLoad(FanoutJob(url=url, path=path), PROCESSES) as load:

        async def trigger() -> int:
            return await load.send(MESSAGE)

        return await fanout.open_idle(load, count, trigger, use)


async def _stalled(url: str, use: MeasureUsage, order: Sequence[str]) -> dict[str, BroadcastResult]:
    """Return the broadcasts to the others, without a stalled client and with one."""
    job = FanoutJob(url=url, path=OURS.path, offers_deflate=False)
    async with FanoutLoad(job, PROCESSES) as load, FanoutLoad(job, 1) as other:

        async def trigger() -> int:
            return await load.send(MESSAGE)

        await fanout.open_idle(load, MEMBERS - 1, trigger, use)
        await other.open(1)
        await fanout.broadcast(load, trigger, use, seconds=1.0, every_s=STALLED_EVERY_S)
        found = {}
        for name in order:
            if name == WITH:
                await other.stall(1, "fill")
            else:
                await other.resume()
            await asyncio.sleep(1)
            found[name] = await fanout.broadcast(
                load, trigger, use, seconds=STALLED_S, every_s=STALLED_EVERY_S
            )
        return found


def _require_whole(sent: BroadcastResult) -> None:
    if sent.lost or sent.repeated or sent.closed or not sent.delivered:
        raise RuntimeError(
            f"{sent.lost} messages lost, {sent.repeated} repeated, closed: {sent.closed}"
        )


def _summary(sent: BroadcastResult) -> str:
    latency = sent.latency
    times = f"p50 {latency.p50_ms:.0f} ms, p99 {latency.p99_ms:.0f} ms" if latency else "nothing"
    used = [1e6 * s / max(1, sent.delivered) for s in (sent.servers_cpu_s, sent.edge_cpu_s)]
    clients = 1e6 * sent.generator_cpu_s / max(1, sent.delivered)
    return (
        f"{sent.delivered} deliveries of {sent.sent} broadcasts, {sent.lost} lost, {times}; "
        f"µs a delivery: servers {used[0]:.1f}, edge {used[1]:.1f}, clients {clients:.1f}"
    )


def _rounds(
    options: argparse.Namespace,
    variants: Sequence[SocketVariant],
    found: Measurements,
    rounds: int | None = None,
) -> Iterable[SocketVariant]:
    """Yield each variant in turn, there and back; one that failed is not tried again."""
    chosen = [each for each in variants if not options.only or each.name in options.only]
    for number in range(min(options.rounds, rounds or options.rounds)):
        for variant in chosen[:: 1 if number % 2 == 0 else -1]:
            if variant.name not in found.failures:
                yield variant


@contextmanager
def _keeping(found: Measurements, name: str) -> Iterator[None]:
    """Record why a variant failed, and continue with the next."""
    try:
        yield
    except (RuntimeError, TandemError, OSError) as error:
        found.failures[name] = str(error)[-1000:]
        say(f"{name}: {error}")


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    names = [each.name for each in EVERY]
    parser.add_argument("--only", nargs="+", choices=names, help="variants, by their names")
    parser.add_argument("--part", nargs="+", help="deliveries, idle, many, stalled or beside")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
