"""A Redis channel layer that reconnects is called like any other, and never waits without end."""

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.exceptions import TimeoutError as RedisTimeoutError

from django_tandem.inprocess import channel_layers
from django_tandem.inprocess.channel_layers import reconnecting
from django_tandem.runtime.host import find_valkey
from harness.client import wait_for


class Redis:
    """A Valkey of the test's own, at ``url``."""

    def __init__(self, directory):
        path = directory / "s"
        unsaved = ("--port", "0", "--save", "", "--dir", str(directory), "--unixsocket", str(path))
        self.process = subprocess.Popen([find_valkey(), *unsaved], stdout=subprocess.DEVNULL)
        self.url = f"unix://{path}"
        wait_for(path.exists)

    @contextmanager
    def frozen(self):
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def redis(tmp_path) -> Iterator[Redis]:
    started = Redis(tmp_path)
    yield started
    started.process.terminate()
    started.process.wait()


def test_arguments_may_be_named(redis) -> None:
    """As in Channels' own documentation."""

    async def talk() -> list[dict]:
        layer = reconnecting(RedisChannelLayer(hosts=[redis.url]))
        channel = await layer.new_channel(prefix="test")
        await layer.group_add(group="all", channel=channel)
        await layer.group_send(group="all", message={"type": "one"})
        await layer.send(channel=channel, message={"type": "two"})
        received = [await layer.receive(channel=channel) for _ in range(2)]
        await layer.close_pools()
        return received

    assert [each["type"] for each in asyncio.run(talk())] == ["one", "two"]


def test_a_membership_does_not_expire_while_its_socket_is_open(redis) -> None:
    """A message after twice the group_expiry still arrives."""

    async def receive_late() -> dict:
        layer = reconnecting(RedisChannelLayer(hosts=[redis.url], group_expiry=1))
        channel = await layer.new_channel()
        await layer.group_add("all", channel)
        await asyncio.sleep(2.1)
        await layer.group_send("all", {"type": "late"})
        async with asyncio.timeout(5):
            received = await layer.receive(channel)
        await layer.close_pools()
        return received

    assert asyncio.run(receive_late())["type"] == "late"


@pytest.mark.parametrize("is_connected", [False, True])
def test_a_redis_that_does_not_answer_is_an_error(redis, monkeypatch, is_connected) -> None:
    """After a bounded time, and the next command works once it answers again."""
    monkeypatch.setattr(channel_layers, "TIMEOUT_S", 0.3)

    async def send() -> dict:
        layer = reconnecting(RedisChannelLayer(hosts=[redis.url]))
        channel = await layer.new_channel()
        if is_connected:
            await layer.group_add("all", channel)
        with redis.frozen():
            for command in (layer.send(channel, {"type": "x"}), layer.group_add("all", channel)):
                with pytest.raises(RedisTimeoutError) as caught:
                    await command
                assert str(caught.value) == "Redis did not answer within 0.3 s."
        await layer.group_add("all", channel)
        await layer.group_send("all", {"type": "one"})
        async with asyncio.timeout(5):
            received = await layer.receive(channel)
        await layer.close_pools()
        return received

    assert asyncio.run(send())["type"] in ("one", "x")


def test_a_pubsub_layer_is_limited_too(redis, monkeypatch) -> None:
    """It reconnects by itself, but waits without end."""
    monkeypatch.setattr(channel_layers, "TIMEOUT_S", 0.3)

    async def send() -> dict:
        layer = reconnecting(RedisPubSubChannelLayer(hosts=[redis.url]))
        channel = await layer.new_channel()
        await layer.group_add("all", channel)
        with redis.frozen(), pytest.raises(RedisTimeoutError):
            await layer.group_send("all", {"type": "lost"})
        await layer.group_send("all", {"type": "one"})
        async with asyncio.timeout(5):
            received = await layer.receive(channel)
        await layer.flush()
        return received

    assert asyncio.run(send())["type"] in ("one", "lost")
