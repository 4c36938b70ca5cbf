"""A round ends when its time is over, whatever the server does."""

import asyncio
import socket

import uvloop
from bench.answering import OK, Client, answering, asked_of, load_on, saying

from django_tandem.bench import http_load
from django_tandem.bench.http_load import LATE, drive


def test_a_server_that_takes_no_more_connections_does_not_hold_the_round_up(monkeypatch) -> None:
    """Its queue is full, and the kernel goes on asking for two minutes."""
    monkeypatch.setattr(http_load, "ANSWER_S", 0.2)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        load = load_on(full.getsockname()[1], 0.1)
        uvloop.run(asyncio.wait_for(drive(load, 6), 30))

    assert load.why[LATE] > 0
    assert load.why.total() == 6


def test_what_is_never_answered_is_given_up(monkeypatch) -> None:
    """After the round and a while, once for each connection."""
    monkeypatch.setattr(http_load, "ANSWER_S", 0.2)

    async def silent(client: Client) -> None:
        while await client.asked():
            pass

    load, server = asked_of(silent, connections=2, seconds=0.1)

    assert load.why == {LATE: 2}
    assert (load.answered, len(server.requests)) == (0, 2)
    # In the percentiles too, or a server that hangs would look like a quick one.
    assert load.seconds == [0.2, 0.2]


def test_nothing_is_asked_once_the_time_is_over() -> None:
    """What was asked before still gets its answer, and is counted."""

    async def run() -> None:
        async def late(client: Client) -> None:
            while await client.asked():
                while load.left_s:
                    await asyncio.sleep(0.01)
                client.writer.write(OK)

        async with answering(late) as server:
            load = load_on(server.port, 0.2)
            await drive(load, 3)
            assert (load.answered, len(server.requests)) == (3, 3)

    uvloop.run(run())


def test_a_load_of_no_time_asks_nothing() -> None:
    """Not even one."""
    load, server = asked_of(saying(OK), seconds=0)

    assert (server.connections, load.answered, load.why.total()) == (0, 0, 0)
