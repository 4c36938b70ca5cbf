"""Client processes on a real server: each delivery is counted once, and closed clients return."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from bench.polling import polled
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve

from django_tandem.bench import fanout
from django_tandem.bench.fanout_load import FanoutLoad, processes_for
from django_tandem.bench.fanout_results import PartUsage
from django_tandem.bench.fanout_workload import ClientCounts, FanoutJob
from django_tandem.errors import RefusedError

pytestmark = pytest.mark.processes

MESSAGE = json.dumps({"at": "{stamp}"})


async def _pass_on(socket: ServerConnection) -> None:
    """Send each message to all."""
    async for message in socket:
        broadcast(socket.server.connections, message)


def _with_load(
    act: Callable[[FanoutLoad, Server], Awaitable[object]],
    *,
    talk: Callable[[ServerConnection], Awaitable[None]] = _pass_on,
    processes: int = 2,
    **job: object,
) -> object:
    async def run() -> object:
        async with serve(talk, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            async with FanoutLoad(FanoutJob(url=url, path="/", **job), processes) as load:
                return await act(load, server)

    return uvloop.run(run())


async def _trigger(load: FanoutLoad) -> int:
    return await load.send(MESSAGE)


def _no_use() -> PartUsage:
    return PartUsage(servers_cpu_s=0, servers_mb=None)


@pytest.mark.parametrize("offers_deflate", [True, False])
def test_each_broadcast_reaches_each_client_once(offers_deflate) -> None:
    """In both processes, compressed or not; none is lost."""

    async def act(load: FanoutLoad, _server: Server) -> object:
        await load.open(10)
        return await fanout.broadcast(load, lambda: _trigger(load), _no_use, seconds=0.2)

    sent = _with_load(act, offers_deflate=offers_deflate)

    assert sent.sent > 1
    assert (sent.delivered, sent.lost, sent.repeated, sent.closed) == (10 * sent.sent, 0, 0, ())
    assert sent.latency is not None


def test_no_message_is_sent_where_all_are_closed() -> None:
    """The servers closed them, which is no failure of the load generator."""

    async def close(socket: ServerConnection) -> None:
        await socket.close()

    async def act(load: FanoutLoad, server: Server) -> tuple[str, str]:
        await load.open(4)
        server.close(close_connections=False)
        while (await load.counts()).open:
            await asyncio.sleep(0.01)
        with pytest.raises(RefusedError) as raised:
            await load.send(MESSAGE)
        return str(raised.value.message), str(raised.value.hint)

    assert _with_load(act, talk=close) == (
        "All WebSockets were closed.",
        "The log of the servers says why: `tandem logs`, for a stack of `tandem up`.",
    )


def test_messages_that_arrive_again_or_never_are_counted() -> None:
    """The others count once."""

    async def twice_or_never(socket: ServerConnection) -> None:
        async for message in socket:
            to = sorted(socket.server.connections, key=lambda each: each.remote_address)
            broadcast(to[:1], message)
            broadcast(to[:3], message)

    async def act(load: FanoutLoad, server: Server) -> ClientCounts:
        await load.open(4)
        await load.send(MESSAGE)
        while (found := await load.counts()).delivered + found.repeated < 4:
            await asyncio.sleep(0.01)
        return found

    found = _with_load(act, talk=twice_or_never)

    assert (found.delivered, found.repeated) == (3, 1)


def test_closed_clients_reconnect() -> None:
    """A storm ends once all are open again; each close has its code."""

    async def act(load: FanoutLoad, server: Server) -> object:
        await load.open(6)
        loop = asyncio.get_running_loop()

        def close_all() -> None:
            for each in tuple(server.connections):
                asyncio.run_coroutine_threadsafe(each.close(1012), loop).result()

        return await fanout.storm(load, "test", close_all, closes=6, deadline_s=20)

    found = _with_load(act)

    assert found.closed == (("1012", 6),)
    assert found.seconds is not None
    assert found.reopening is not None
    assert found.reopening.count == 6


def test_clients_that_did_not_receive_a_message_are_counted() -> None:
    """Of those that were open when it was sent."""

    async def act(load: FanoutLoad, server: Server) -> int:
        await load.open(3)
        stamp = await load.send("{stamp}")
        await polled(lambda: len(server.connections) == 3)
        broadcast(list(server.connections)[:2], f"tandem-{stamp:019d}")
        while (await load.counts()).delivered < 2:
            await asyncio.sleep(0.01)
        return await load.count_undelivered(stamp, 0)

    async def listen(socket: ServerConnection) -> None:
        await socket.wait_closed()

    assert _with_load(act, talk=listen) == 1


@pytest.mark.parametrize(
    ("count", "cpus", "processes"), [(1, 8, 1), (1000, 2, 2), (1000, 1, 1), (12_000, 2, 3)]
)
def test_clients_are_divided_among_processes(count, cpus, processes) -> None:
    """Two where there are CPUs for them, and more for very many."""
    assert processes_for(count, cpus) == processes
