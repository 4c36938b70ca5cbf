"""A worker receives, however long Redis is unavailable."""

import asyncio
import sys

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from django_tandem.channels import shards, work_queue
from django_tandem.channels.subscriptions import Subscriptions


async def drop(_name, _data):
    """Take a message."""


class Current(Subscriptions):
    """Subscriptions of which the connection is never lost."""

    def __init__(self):
        super().__init__(shards.HostShard({"host": "127.0.0.1"}), drop, lambda: None, lambda: None)
        self._is_current.set()

    async def add(self, name):
        """Confirm the name at once."""


def queues(execute):
    """Return the lists of a shard that executes commands by ``execute``."""
    return work_queue.WorkQueues(execute, "PUBLISH", Current(), 60)


def test_a_receiver_tries_however_often_redis_fails(monkeypatch) -> None:
    """As where the proxy in front of it fails commands, and keeps the subscriptions."""
    monkeypatch.setattr(work_queue, "_RETRY_S", 0)
    tries = 0

    async def execute(*_command):
        nonlocal tries
        tries += 1
        if tries <= sys.getrecursionlimit():
            raise RedisConnectionError("Connection closed by server.")
        return b"1700000000000message"

    async def test():
        return await queues(execute).receive(b"work")

    assert asyncio.run(test()) == b"message"


def test_a_receiver_ends_with_its_event_loop() -> None:
    """Which cancels the command that it waits for, too."""
    is_taking = asyncio.Event()

    async def execute(*_command):
        is_taking.set()
        await asyncio.Event().wait()

    async def test():
        receiving = asyncio.ensure_future(queues(execute).receive(b"work"))
        await is_taking.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving

    asyncio.run(test())
