"""
A bound for the queues of RedisPubSubChannelLayer, which has none.

A consumer whose client does not read takes no message, and the layer would keep all that its
groups send it. As RedisChannelLayer does, the queue drops the oldest beyond the capacity.
"""

from typing import Any

from channels_redis.core import BoundedQueue
from channels_redis.pubsub import RedisPubSubLoopLayer

from django_tandem import fingerprints

# That of RedisChannelLayer, whose option has the same name.
CAPACITY = 100
SUBSCRIBING = ("channels_redis.pubsub.RedisPubSubLoopLayer._subscribe_to_channel",)


def bound_queues() -> None:
    """Bound the queue of each channel that a layer of this process subscribes to."""
    if RedisPubSubLoopLayer._subscribe_to_channel is not _subscribe and fingerprints.are_known(
        SUBSCRIBING, otherwise="What a slow consumer does not receive stays in memory."
    ):
        RedisPubSubLoopLayer._subscribe_to_channel = _subscribe


async def _subscribe(layer: Any, channel: str) -> None:
    capacity = layer.channel_layer._kwargs.get("capacity", CAPACITY)
    layer.channels[channel] = BoundedQueue(capacity)
    await layer._get_shard(channel).subscribe(channel)
