"""Consumers run their sync code on the pool, each its own in order."""

import asyncio
import gc
import threading
import time

import pytest
from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async
from channels.consumer import SyncConsumer
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.testing import ApplicationCommunicator, WebsocketCommunicator
from django.db import close_old_connections

from django_tandem.handler import pools, switching, thread_pool, wait_queue
from django_tandem.handler.switching import ParallelConsumers
from handler.client import run
from harness.client import wait_for

MOMENT_S = 0.2


class Sync(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        time.sleep(MOMENT_S)
        self.send(text_data=str(threading.get_ident()))


class Async(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await database_sync_to_async(time.sleep)(MOMENT_S)
        await self.send(text_data=str(await sync_to_async(threading.get_ident)()))


class Ordered(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        done, running = [], []

        def step(number):
            running.append(number)
            assert len(running) == 1
            time.sleep(0.01)
            done.append(running.pop())

        await asyncio.gather(*(sync_to_async(step)(number) for number in range(5)))
        await self.send(text_data=str(done))


class Iterating(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        def cursor():
            while True:
                yield threading.get_ident()

        rows = cursor()

        def following(rows):
            return next(rows)

        seen = set()
        for _ in range(5):
            seen.add(await sync_to_async(following)(rows))
            # A call in the body of the loop, with another consumer's before the next row.
            await sync_to_async(time.sleep)(0.001)
            await asyncio.sleep(0.005)
        await self.send(text_data=str(len(seen)))


class Back(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        async def on_the_loop():
            return await sync_to_async(threading.get_ident)()

        same = async_to_sync(on_the_loop)() == threading.get_ident()
        self.send(text_data=str(same))


async def ask_consumer(consumer):
    client = WebsocketCommunicator(ParallelConsumers(consumer.as_asgi()), "/")
    connected, _ = await client.connect()
    assert connected
    await client.send_to(text_data="go")
    answer = await client.receive_from(timeout=20)
    await client.disconnect()
    return answer


@pytest.mark.parametrize("consumer", [Sync, Async])
def test_consumers_do_not_wait_for_each_other(threads, consumer):
    """Eight at once take the time of one, and not of eight as on Channels' single thread."""
    threads(8)

    async def eight():
        return await asyncio.gather(*(ask_consumer(consumer) for _ in range(8)))

    started = time.monotonic()
    run(eight())

    assert time.monotonic() - started < 8 * MOMENT_S


def test_the_calls_of_one_consumer_run_one_after_another(threads):
    """In order, and never two of them at once."""
    threads(8)

    assert run(ask_consumer(Ordered)) == "[0, 1, 2, 3, 4]"


def test_an_ended_consumer_is_forgotten(threads):
    """A process that serves for weeks has millions of them."""
    threads(2)
    gc.collect()
    before = set(SyncToAsync.context_to_thread_executor)

    run(ask_consumer(Async))

    def is_forgotten():
        # Its thread may still be closing connections for it.
        gc.collect()
        return set(SyncToAsync.context_to_thread_executor) <= before

    assert wait_for(is_forgotten)


def test_a_consumer_keeps_no_thread_while_it_waits(threads):
    """One thread is enough for many that are open."""
    pool = threads(1)

    async def many():
        clients = [WebsocketCommunicator(ParallelConsumers(Sync.as_asgi()), "/") for _ in range(5)]
        for client in clients:
            await client.connect()
        for client in clients:
            await client.disconnect()

    run(many())

    assert pool.size == 1


def test_an_iteration_stays_on_its_thread(threads):
    """The cursor of a queryset belongs to the connection of the thread that opened it."""
    threads(8)

    async def several():
        return await asyncio.gather(*(ask_consumer(Iterating) for _ in range(4)))

    assert run(several()) == ["1"] * 4


def test_a_call_back_to_the_loop_returns_to_its_thread(threads):
    """As thread-sensitive code does anywhere."""
    threads(2)

    assert run(ask_consumer(Back)) == "True"


def test_connections_are_checked_before_and_after_each_call(threads, monkeypatch):
    """As Channels does for each message."""
    seen = []
    checks = (lambda: seen.append("checked"),)
    monkeypatch.setattr(switching, "CHECKS", checks)
    threads(1)

    async def application(scope, receive, send):
        for _ in range(2):
            await sync_to_async(seen.append)("called")
            await asyncio.sleep(0.05)

    run(ParallelConsumers(application)({"type": "websocket"}, None, None))

    assert seen == ["checked", "called", "checked"] * 2
    assert switching.CHECKS is checks
    assert close_old_connections not in checks


def test_consumers_have_a_separate_pool():
    """Slow requests keep no consumer waiting, and no consumer is rejected."""
    assert pools.request_pool() is not pools.consumer_pool()
    assert (pools.request_pool().rejects, pools.consumer_pool().rejects) == (
        True,
        False,
    )


def test_a_consumer_waits_for_as_long_as_it_takes(monkeypatch):
    """It can't respond with 503."""
    monkeypatch.setattr(wait_queue, "MAX_WAIT_S", 0.05)
    monkeypatch.setattr(wait_queue, "MAX_QUEUED", 0)
    pool = thread_pool.ThreadPool(1, rejects=False)
    monkeypatch.setattr(switching, "consumer_pool", lambda: pool)

    async def three():
        return await asyncio.gather(*(ask_consumer(Sync) for _ in range(3)))

    try:
        assert len(set(run(three()))) == 1
    finally:
        pool.close()


def test_a_channels_worker_that_is_wrapped_has_the_pool_too(threads):
    """It runs consumers of the type "channel"."""
    threads(4)

    class Worker(SyncConsumer):
        def work(self, message):
            self.send({"type": "done", "thread": threading.current_thread().name})

    async def worked():
        communicator = ApplicationCommunicator(
            ParallelConsumers(Worker.as_asgi()), {"type": "channel", "channel": "work"}
        )
        await communicator.send_input({"type": "work"})
        answer = await communicator.receive_output(timeout=10)
        await communicator.wait()
        return answer

    assert run(worked())["thread"] == "django-tandem"
