"""
The load generator: ``python -m django_tandem.bench.driver``.

It runs in a separate process, so that its CPU time is separate from the servers'. `workload`
has its input and output.
"""

import asyncio
import gc
import resource
import sys
import time
from collections.abc import Callable, Coroutine, Mapping

import uvloop

from django_tandem.bench.http_load import HttpLoad, drive
from django_tandem.bench.replay.load import ReplayLoad
from django_tandem.bench.results import DriverResult, latency
from django_tandem.bench.websocket_load import MEASURES, Measure, WebSocketLoad
from django_tandem.bench.workload import FINISHED, STARTED, Job, Workload, decode_job, encode


async def run(job: Job, measures: Mapping[str, Measure] = MEASURES) -> DriverResult:
    """Put the workload on the server, and return the result of the seconds that count."""
    wanted = job.workload.sockets
    sockets = None
    if wanted:
        sockets = WebSocketLoad(job.url, job.workload, wanted, measures[wanted.measure])
        await sockets.open()
        sockets.start()
    load = _load_of(job)
    driving = asyncio.create_task(_drive(load, job.workload))
    # The load does not pause between the warm-up and the seconds that count.
    await asyncio.sleep(job.warm_s)
    load.reset()
    if sockets:
        sockets.reset()
    _write(STARTED)
    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(job.seconds)
    # Later responses count in the latencies only: one hanging request must not stretch the time
    # that the others are divided by.
    seconds, answered = time.perf_counter() - started, load.answered
    share = (time.process_time() - cpu) / seconds
    if sockets:
        await sockets.stop()
    _write(FINISHED)
    await driving
    return DriverResult(
        seconds=seconds,
        answered=answered,
        failed=load.why.total(),
        latency=latency(load.seconds),
        generator_share=share,
        why=tuple(load.why.most_common()),
        sockets=await sockets.finish() if sockets else None,
        routes=load.routes() if isinstance(load, ReplayLoad) else (),
    )


def _load_of(job: Job) -> HttpLoad | ReplayLoad:
    if job.workload.replay is not None:
        return ReplayLoad(job.url, job.workload, job.workload.replay)
    return HttpLoad(job.url, job.workload, job.warm_s + job.seconds)


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _drive(load: HttpLoad | ReplayLoad, workload: Workload) -> None:
    if isinstance(load, ReplayLoad):
        await load.run()
    elif workload.path is None:
        await asyncio.sleep(load.left_s)
    else:
        await drive(load, workload.connections)


def main(do: Callable[[Job], Coroutine[None, None, DriverResult]] = run) -> int:
    """Run the job on stdin, and write its result to stdout."""
    job = decode_job(sys.stdin.read())
    # Each WebSocket is a file descriptor; many systems give a process 1024.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # A garbage collection in the driver would count as the server's latency.
    gc.disable()
    sys.stdout.write(encode(uvloop.run(do(job))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
