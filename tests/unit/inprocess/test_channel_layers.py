"""A Redis channel layer that reconnects is called like any other, and never waits without end."""

import asyncio
from collections.abc import Iterator

import pytest
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.exceptions import TimeoutError as RedisTimeoutError

from django_tandem.channels import redis_limits
from django_tandem.inprocess.channel_layers import reconnecting
from harness.valkey import Valkey, valkey


@pytest.fixture
def redis(tmp_path) -> Iterator[Valkey]:
    with valkey(tmp_path) as started:
        yield started


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
    monkeypatch.setattr(redis_limits, "TIMEOUT_S", 0.3)

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
    """Channels' own reconnects, but waits without end."""
    monkeypatch.setattr(redis_limits, "TIMEOUT_S", 0.3)

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


def test_a_channel_that_leaves_during_a_rejoin_stays_out(redis) -> None:
    """Its ZREM overtakes the ZADD of the rejoin, which is on another connection."""

    async def leave() -> bool:
        layer = reconnecting(RedisChannelLayer(hosts=[redis.url]))
        rejoin = layer.group_add.__self__
        channels = [await layer.new_channel() for _ in range(2)]
        for channel in channels:
            await layer.group_add("all", channel)
        connection = layer.connection(0)
        zadd = connection.zadd

        async def overtaken(*args):
            await layer.group_discard("all", channels[0])
            return await zadd(*args)

        connection.zadd = overtaken
        await rejoin._rejoin_groups()
        found = await connection.zrange(layer._group_key("all"), 0, -1)
        await layer.close_pools()
        return [each.decode() for each in found] == channels[1:]

    assert asyncio.run(leave())
