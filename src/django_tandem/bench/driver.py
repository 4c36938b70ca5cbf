"""
Asks a topology for a workload: ``python -m django_tandem.bench.driver``.

A process of its own, so that what it takes of the CPU is told apart. `wire` has what it is told
and what it tells.
"""

import asyncio
import gc
import resource
import sys
import time
from collections.abc import Callable, Coroutine, Mapping

import uvloop

from django_tandem.bench.http_load import HttpLoad, drive
from django_tandem.bench.latency import latency
from django_tandem.bench.measured import Driven
from django_tandem.bench.socket_load import MEASURES, Measure, SocketLoad
from django_tandem.bench.wire import BEGUN, OVER, Job, read_job, write
from django_tandem.bench.workload import Workload


async def run(job: Job, measures: Mapping[str, Measure] = MEASURES) -> Driven:
    """Drive the load, with its WebSockets open, and return what was seen once it is warm."""
    wanted = job.workload.sockets
    sockets = None
    if wanted:
        sockets = SocketLoad(job.url, job.workload, wanted, measures[wanted.measure])
        await sockets.open()
        sockets.start()
    load = HttpLoad(job.url, job.workload, job.warm_s + job.seconds)
    driving = asyncio.create_task(_drive(load, job.workload))
    # The load goes on from the one into the other: what counts begins in its midst.
    await asyncio.sleep(job.warm_s)
    load.forget()
    if sockets:
        sockets.forget()
    _say(BEGUN)
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(job.seconds)
    # What is answered later counts in the latencies alone: one that hangs must not stretch the
    # time in which the others are counted.
    seconds, answered = time.perf_counter() - began, load.answered
    share = (time.process_time() - cpu) / seconds
    if sockets:
        await sockets.stop()
    _say(OVER)
    await driving
    return Driven(
        seconds=seconds,
        answered=answered,
        failed=load.why.total(),
        latency=latency(load.seconds),
        generator_share=share,
        why=tuple(load.why.most_common()),
        sockets=await sockets.finish() if sockets else None,
    )


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def _drive(load: HttpLoad, workload: Workload) -> None:
    if workload.path is None:
        await asyncio.sleep(load.left_s)
    else:
        await drive(load, workload.connections)


def main(do: Callable[[Job], Coroutine[None, None, Driven]] = run) -> int:
    """Have ``do`` do the job that stdin names."""
    job = read_job(sys.stdin.read())
    # Each WebSocket is a file; many systems give a process 1024.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # A collection in the middle would be told as the server's latency.
    gc.disable()
    sys.stdout.write(write(uvloop.run(do(job))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
