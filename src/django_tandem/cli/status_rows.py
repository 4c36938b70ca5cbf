"""The parts of `tandem status` below the programs: kinds of workers, ASGI handler, handovers."""

import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from django_tandem.cli import console
from django_tandem.inprocess.handover_counts import HandoverCount
from django_tandem.model import Block, Stack
from django_tandem.model.scoreboard import OURS, Threads, WorkerSlot
from django_tandem.runtime.kind_status import READY, KindStatus
from django_tandem.runtime.status import StackStatus
from django_tandem.runtime.workers import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """One worker; docs/reference/status.md describes each field."""

    pid: int
    uptime_s: int
    cpu_percent: float | None
    memory_pss_mb: float | None
    memory_rss_mb: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRow:
    """The workers of one kind; docs/reference/status.md describes each field."""

    name: str
    stack: str
    state: str
    cpu_percent: float | None
    memory_pss_mb: float | None
    memory_rss_mb: float | None
    restarts: int
    connections: int | None
    what: str
    planned_workers: int | None
    ready_workers: int
    workers: tuple[WorkerRow, ...]

    @property
    def description(self) -> str:
        """Its description, and how many of its workers are ready where some are missing."""
        # In another PID namespace no worker is known.
        is_short = 0 < self.ready_workers < (self.planned_workers or 0)
        if self.state != READY or not is_short:
            return self.what
        return f"{self.what}: {self.ready_workers} of {self.planned_workers} ready"


def kind_row(kind: KindStatus, now: StackStatus, before: StackStatus | None = None) -> KindRow:
    """Return the row of one kind; CPU is that since ``before``, or of its workers' lives."""
    workers = tuple(_worker_row(each, now, before) for each in kind.workers)
    usage = now.usage_of(each.pid for each in kind.workers)
    return KindRow(
        name=kind.name,
        stack=kind.kind if kind.kind in set(Stack) else "",
        state=kind.state,
        cpu_percent=_sum([each.cpu_percent for each in workers]),
        memory_pss_mb=rounded(usage.pss_mb) if usage else None,
        memory_rss_mb=rounded(usage.rss_mb) if usage else None,
        restarts=kind.restarts,
        connections=kind.connections,
        what=kind.description,
        planned_workers=kind.planned_workers,
        ready_workers=kind.ready_workers,
        workers=workers,
    )


def _worker_row(worker: Worker, now: StackStatus, before: StackStatus | None) -> WorkerRow:
    usage = now.usage_of([worker.pid])
    return WorkerRow(
        pid=worker.pid,
        uptime_s=worker.uptime_s,
        cpu_percent=cpu_percent([worker.pid], worker.uptime_s, now, before),
        memory_pss_mb=rounded(usage.pss_mb) if usage else None,
        memory_rss_mb=rounded(usage.rss_mb) if usage else None,
    )


def cpu_percent(
    pids: list[int], uptime_s: int, now: StackStatus, before: StackStatus | None
) -> float | None:
    """Return the CPU of processes since ``before``, or since their start."""
    usage, earlier = now.usage_of(pids), before.usage_of(pids) if before else None
    if usage is None:
        return None
    if before is None or earlier is None:
        return rounded(100 * usage.cpu_s / max(1, uptime_s))
    # A child that has ended takes its time with it until it is waited for.
    spent_s = max(0.0, usage.cpu_s - earlier.cpu_s)
    return rounded(100 * spent_s / (now.at_s - before.at_s))


def rounded(number: float | None) -> float | None:
    """Return the number with one decimal."""
    return None if number is None else round(number, 1)


def _sum(numbers: list[float | None]) -> float | None:
    known = [each for each in numbers if each is not None]
    return rounded(sum(known)) if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerRow:
    """One ASGI process; docs/reference/status.md describes each field."""

    pid: int
    generation: int
    handler: str
    size: int = 0
    idle: int = 0
    queued: int = 0
    overflow: int = 0
    rejected: int = 0
    websockets: int = 0
    streams: int = 0
    refused: int = 0
    mailbox_longest: int = 0
    mailbox_dropped: int = 0
    slow_clients: int = 0


def handler_rows(slots: Iterable[WorkerSlot]) -> tuple[HandlerRow, ...]:
    """Return the rows of the ASGI processes."""
    return tuple(_handler_row(each) for each in slots if each.stack == Stack.ASGI)


def _handler_row(slot: WorkerSlot) -> HandlerRow:
    return HandlerRow(
        pid=slot.pid,
        generation=slot.generation,
        handler=slot.handler,
        websockets=sum(slot.websockets.values()),
        streams=sum(slot.streams.values()),
        refused=slot.refused,
        mailbox_longest=slot.mailboxes.longest,
        mailbox_dropped=slot.mailboxes.dropped,
        slow_clients=slot.mailboxes.closed,
        **asdict(slot.threads or Threads()),
    )


CONNECTIONS = ("websockets", "streams", "refused")
COUNTS = ("size", "idle", "queued", "overflow", "rejected")


def handler_lines(found: Iterable[HandlerRow]) -> list[str]:
    """Return sentences on the ASGI processes of each generation; none before a request."""
    ordered = sorted(found, key=lambda each: each.generation)
    sentences = [
        sentence
        for generation, group in groupby(ordered, key=lambda each: each.generation)
        for sentence in _sentences(generation, list(group))
    ]
    return ["", *sentences] if sentences else []


def _sentences(generation: int, found: list[HandlerRow]) -> Iterator[str]:
    yield _sentence(generation, found)
    total = {name: sum(getattr(each, name) for each in found) for name in CONNECTIONS}
    websockets = console.counted(total["websockets"], "WebSocket")
    streams = console.counted(total["streams"], "event stream")
    # Always, as the counts may be a second old.
    yield (
        f"Generation {generation} has {websockets} and {streams} open, and has rejected "
        f"{total['refused']}."
    )
    closed = sum(each.slow_clients for each in found)
    dropped = sum(each.mailbox_dropped for each in found)
    if closed or dropped:
        yield (
            f"Slow clients: {console.counted(closed, 'WebSocket')} closed with 1013, and "
            f"{console.counted(dropped, 'message')} dropped."
        )


def _sentence(generation: int, found: list[HandlerRow]) -> str:
    begin = f"The ASGI handler of generation {generation} is"
    if any(each.handler != OURS for each in found):
        return f"{begin} Django's own."
    total = {name: sum(getattr(each, name) for each in found) for name in COUNTS}
    threads = console.counted(total["size"], "thread")
    overflow = console.counted(total["overflow"], "overflow thread")
    queued = console.counted(total["queued"], "request")
    return (
        f"{begin} django-tandem's: {threads} ({total['idle']} idle), {overflow}, "
        f"{queued} queued and {total['rejected']} rejected."
    )


def block_row(block: Block) -> dict[str, object]:
    """Return what `--json` prints of one blocked route."""
    return {
        "route": block.target,
        "status": block.status,
        "close": block.close,
        "blocked_s": max(0, int(time.time() - block.since_s)),
    }


def block_lines(blocks: Iterable[Block]) -> list[str]:
    """Return a sentence on each blocked route, after an empty line; none without one."""
    lines = [
        f'"{block.target}" has been blocked with {block.status} for '
        f"{console.duration(max(0, int(time.time() - block.since_s)))}; `tandem unblock "
        f"{shlex.quote(block.target)}` serves it again."
        for block in blocks
    ]
    return ["", *lines] if lines else []


def handover_row(counted: HandoverCount) -> dict[str, object]:
    """Return the columns of one route that was handed over."""
    return {
        "route": counted.route,
        "to": counted.to,
        "times": counted.count,
        "pin": f'("{counted.pin}", "{counted.to}")' if counted.pin else "",
    }


def handover_lines(rows: Sequence[dict[str, object]]) -> list[str]:
    """Return the lines of the table, after an empty one; none without a handover."""
    if not rows:
        return []
    cells = (tuple(str(cell) for cell in each.values()) for each in rows)
    return ["", *console.table_lines(("HANDED OVER", "TO", "TIMES", "PIN THAT AVOIDS IT"), cells)]
