"""Aggregates, slots and facts of the machine → a Snapshot."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django_tandem.model import Stack
from django_tandem.model.shifts import Shift, ShiftState
from django_tandem.monitor.aggregates import Aggregates
from django_tandem.monitor.minutes import RouteMinute, percentile
from django_tandem.monitor.request_lines import EDGE
from django_tandem.monitor.snapshot import (
    ChartMark,
    RouteTraffic,
    ShiftProgress,
    Snapshot,
    StackTraffic,
    Traffic,
    WorkerState,
)
from django_tandem.runtime.listen_queues import ListenQueue

# By stack and route.
OpenByRoute = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotInputs:
    """
    The state of a stack at one moment, without its requests.

    ``queues`` are those of the live generation by stack.
    """

    generation: int = 0
    stacks: tuple[Stack, ...] = ()
    workers: tuple[WorkerState, ...] = ()
    queues: Mapping[str, ListenQueue]
    marks: tuple[ChartMark, ...] = ()
    shifts: tuple[Shift, ...] = ()
    lost_lines: int = 0


def take(aggregates: Aggregates, inputs: SnapshotInputs, now: float) -> Snapshot:
    """Return the snapshot of this moment."""
    records, seconds = aggregates.window(now)
    short = {key[:2]: record for key, record in records.items() if not key[2]}
    return Snapshot(
        at=now,
        started_at=aggregates.started_at,
        generation=inputs.generation,
        stacks=tuple(_stack(name, short, seconds, inputs) for name in (*inputs.stacks, EDGE)),
        routes=_routes(short, seconds, inputs.workers),
        workers=inputs.workers,
        slow=aggregates.slowest(now),
        marks=inputs.marks,
        shifts=tuple(map(_progress, filter(_is_shown, inputs.shifts))),
        lost_lines=inputs.lost_lines,
    )


def _is_shown(shift: Shift) -> bool:
    # One that a command has aborted is of no more interest.
    return shift.state is not ShiftState.ABORTED


def _progress(shift: Shift) -> ShiftProgress:
    return ShiftProgress(
        route=shift.route,
        to=shift.to.value,
        home=shift.home.value,
        state=shift.state.value,
        percent=shift.percent,
        step=shift.step + 1,
        steps=len(shift.steps),
        reason=shift.reason,
        on_trial=shift.on_trial,
        at_home=shift.at_home,
    )


def traffic(records: Iterable[RouteMinute], seconds: float) -> Traffic:
    """Return the traffic of ``records``, of ``seconds`` together."""
    total = RouteMinute(0, "", "")
    for record in records:
        total.add(record)
    return Traffic(
        requests_per_s=total.requests / seconds,
        errors_per_s=total.errors / seconds,
        p50_s=percentile(total.durations, 0.5),
        p95_s=percentile(total.durations, 0.95),
        p99_s=percentile(total.durations, 0.99),
        queue_p95_s=percentile(total.queues, 0.95),
        cpu_share=_cpu_share(total),
        busy_workers=total.worker_s / seconds,
        handovers_per_s=total.handovers / seconds,
        bytes_per_s=total.bytes_sent / seconds,
    )


def _cpu_share(record: RouteMinute) -> float | None:
    if not record.cpu_known or not record.worker_s:
        return None
    # One without a worker, as after a 502, is in neither.
    return min(1.0, record.cpu_s / record.worker_s)


def _stack(
    name: str, short: Mapping[tuple[str, str], RouteMinute], seconds: float, inputs: SnapshotInputs
) -> StackTraffic:
    slots = [each.slot for each in inputs.workers if each.slot.stack == name]
    queue = inputs.queues.get(name)
    return StackTraffic(
        stack=name,
        traffic=traffic((each for key, each in short.items() if key[1] == name), seconds),
        workers=len(slots),
        workers_busy=sum(bool(slot.in_flight_count) for slot in slots),
        in_flight=sum(slot.in_flight_count for slot in slots),
        queue_length=queue.length if queue else None,
        queue_limit=queue.limit if queue else None,
        websockets=sum(sum(slot.websockets.values()) for slot in slots),
        streams=sum(sum(slot.streams.values()) for slot in slots),
    )


def _routes(
    short: Mapping[tuple[str, str], RouteMinute], seconds: float, workers: Iterable[WorkerState]
) -> tuple[RouteTraffic, ...]:
    websockets, streams = OpenByRoute(), OpenByRoute()
    for each in workers:
        slot = each.slot
        websockets.update({(route, slot.stack): n for route, n in slot.websockets.items()})
        streams.update({(route, slot.stack): n for route, n in slot.streams.items()})
    found = [
        RouteTraffic(
            route=route,
            stack=stack,
            traffic=traffic([short[route, stack]] if (route, stack) in short else [], seconds),
            websockets=websockets[route, stack],
            streams=streams[route, stack],
        )
        for route, stack in {*short, *websockets, *streams}
    ]
    busiest = sorted(found, key=lambda each: (each.route, each.stack))
    return tuple(sorted(busiest, key=lambda each: -each.traffic.busy_workers))
