"""The phases of a fan-out: WebSockets open, idle, get broadcasts, and reconnect."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from django_tandem.bench.fanout_load import FanoutLoad, processes_for
from django_tandem.bench.fanout_results import (
    BroadcastResult,
    IdleResult,
    MeasureUsage,
    StormResult,
)
from django_tandem.bench.fanout_workload import OTHER_FILES, ClientCounts, latency_of
from django_tandem.bench.topology import Setup, Topology
from django_tandem.errors import RefusedError
from django_tandem.model import Plan
from django_tandem.model.plan import CONNECTIONS_A_FILE

# These are open before memory is measured: code that a first connection imports is not theirs.
FIRST = 50
# For what a server does once connections are open, such as the end of its tasks.
SETTLE_S = 2.0
# A broadcast that takes longer is lost for the clients that it has not reached.
DELIVERY_S = 10.0
POLL_S = 0.1

# Makes the project send one broadcast to all WebSockets, and returns its stamp.
Trigger = Callable[[], Awaitable[int]]


async def open_idle(
    load: FanoutLoad, count: int, trigger: Trigger, use: MeasureUsage
) -> IdleResult:
    """
    Open ``count`` WebSockets, and measure their memory.

    Raises RefusedError when none opens, or no broadcast reaches those that are open first.
    """
    first = await load.open(min(FIRST, count))
    if not first.open:
        raise RefusedError(
            f"No WebSocket opened: {_listed(first)}.",
            hint="Name a path of WebSockets: `--ws /ws/lots/1/`, and a `--header` that it needs.",
        )
    if not await load.wait_received(await trigger(), DELIVERY_S):
        raise RefusedError(
            f"A broadcast did not reach all of {first.open} WebSockets within {DELIVERY_S:.0f} s.",
            hint="Its message must contain the text that replaces {stamp}, unchanged.",
        )
    await asyncio.sleep(SETTLE_S)
    before = use()
    began = time.monotonic()
    found = await load.open(count)
    seconds = time.monotonic() - began
    await asyncio.sleep(SETTLE_S)
    after = use()
    more = found.open - first.open
    return IdleResult(
        wanted=count,
        opened=found.open,
        seconds=seconds,
        servers_kb=_kb(before.servers_mb, after.servers_mb, more),
        edge_kb=_kb(before.edge_mb, after.edge_mb, more),
        refused=found.refused,
    )


async def broadcast(
    load: FanoutLoad, trigger: Trigger, use: MeasureUsage, *, seconds: float, every_s: float = 0.0
) -> BroadcastResult:
    """
    Broadcast for so many seconds: every ``every_s``, or the next as soon as all have the last.

    At a fixed rate a slow server receives as many broadcasts as a fast one.
    """
    await load.reset()
    members = (await load.counts()).open
    before, began, sent, stamp = use(), time.monotonic(), 0, 0
    while (elapsed := time.monotonic() - began) < seconds:
        if sent * every_s > elapsed:
            await asyncio.sleep(sent * every_s - elapsed)
        stamp = await trigger()
        sent += 1
        if not every_s:
            await load.wait_received(stamp, DELIVERY_S)
    # Without clients that miss a message, this is how long the last one takes.
    await load.wait_received(stamp, DELIVERY_S)
    took_s, after, found = time.monotonic() - began, use(), await load.counts()
    return BroadcastResult(
        sent=sent,
        delivered=found.delivered,
        lost=max(0, sent * members - found.delivered),
        repeated=found.repeated,
        closed=found.closed,
        seconds=took_s,
        servers_cpu_s=after.servers_cpu_s - before.servers_cpu_s,
        edge_cpu_s=after.edge_cpu_s - before.edge_cpu_s,
        generator_cpu_s=found.cpu_s,
        latency=latency_of(found.latencies),
    )


async def storm(
    load: FanoutLoad, cause: str, act: Callable[[], None], *, closes: int, deadline_s: float
) -> StormResult:
    """Act, and measure until at least ``closes`` WebSockets were closed and all are open again."""
    await load.reset()
    wanted = (await load.counts()).open
    began = time.monotonic()
    acting = asyncio.create_task(asyncio.to_thread(act))
    seconds = None
    while time.monotonic() - began < deadline_s:
        await asyncio.sleep(POLL_S)
        found = await load.counts()
        if acting.done() and found.closed_total >= closes and found.open >= wanted:
            seconds = time.monotonic() - began
            break
    await acting
    found = await load.counts()
    return StormResult(
        cause=cause,
        closed=found.closed,
        seconds=seconds,
        reopening=latency_of(found.reopening),
        refused=found.refused,
    )


def _kb(before_mb: float | None, after_mb: float | None, count: int) -> float | None:
    if before_mb is None or after_mb is None or not count:
        return None
    return round((after_mb - before_mb) * 1024 / count, 2)


def _listed(found: ClientCounts) -> str:
    return ", ".join(f"{why}, {times} times" for why, times in found.refused)


# NGINX's workers take connections as they come: one may have this many times its share.
SKEW = 1.25


def require_open_files(count: int, cpus: int, allowed: int) -> None:
    """Raise RefusedError when a server or a process of clients can't have so many files open."""
    clients = -(-count // processes_for(count, cpus))
    needed = max(count, clients) + OTHER_FILES
    if needed > allowed:
        raise RefusedError(
            f"{count} WebSockets may need {needed} open files in one server process, and "
            f"{allowed} are allowed here.",
            hint=f"Raise the limit first: `ulimit -n {needed}`, or LimitNOFILE= of a systemd unit.",
        )


def with_room(topology: Topology, count: int, allowed: int) -> Topology:
    """Return ``topology`` with an edge that has connections for ``count`` WebSockets."""

    def make(run_dir: Path, bind: str) -> Setup:
        setup = topology.make(run_dir, bind)
        return replace(setup, plan=with_connections(setup.plan, count, allowed))

    return replace(topology, make=make)


def with_connections(plan: Plan, count: int, allowed: int) -> Plan:
    """
    Return ``plan`` with as many open files for the edge as ``count`` WebSockets need.

    Raises RefusedError when more are needed than ``allowed`` here.
    """
    if not plan.has_edge:
        return plan
    # Each takes one connection to the client, and one to the server.
    needed = math.ceil(2 * count * SKEW / plan.edge.workers)
    edge = plan.edge
    files = math.ceil(needed / CONNECTIONS_A_FILE)
    if edge.worker_connections < needed:
        edge = replace(edge, open_files=min(allowed, files))
    if edge.worker_connections < needed:
        raise RefusedError(
            f"{count} WebSockets may need {needed} connections in each of {edge.workers} workers "
            f"of NGINX, and {allowed} open files allow {edge.worker_connections} here.",
            hint=f"Raise the limit first: `ulimit -n {files}`, or LimitNOFILE= of a systemd unit.",
        )
    return replace(plan, edge=edge)
