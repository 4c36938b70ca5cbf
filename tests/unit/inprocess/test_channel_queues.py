"""A channel of the pub/sub layer keeps a bounded number of messages for a consumer that is slow."""

import asyncio
from unittest.mock import AsyncMock

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer

from django_tandem.inprocess.channel_queues import CAPACITY, bound_queues


@pytest.fixture(autouse=True)
def _bounded(monkeypatch) -> None:
    # Undone after the test.
    monkeypatch.setattr(
        RedisPubSubLoopLayer,
        "_subscribe_to_channel",
        RedisPubSubLoopLayer._subscribe_to_channel,
    )
    bound_queues()


@pytest.mark.parametrize(("options", "capacity"), [({}, CAPACITY), ({"capacity": 5}, 5)])
def test_beyond_its_capacity_the_oldest_message_is_dropped(options, capacity) -> None:
    """As in the other layer of channels_redis."""

    async def run():
        layer = RedisPubSubChannelLayer(hosts=["redis://127.0.0.1:1"], **options)._get_layer()
        shard = layer._shards[0]
        shard.subscribe = AsyncMock()
        await layer._subscribe_to_channel("own")
        for number in range(capacity + 3):
            shard._receive_message({"channel": b"own", "data": number})
        queue = layer.channels["own"]
        return shard.subscribe.await_args.args, queue.qsize(), queue.get_nowait()

    assert asyncio.run(run()) == (("own",), capacity, 3)
