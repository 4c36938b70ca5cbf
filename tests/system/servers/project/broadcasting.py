"""A consumer that gets many large broadcasts, and a layer that delivers them as RedisLayer does."""

import asyncio

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import InMemoryChannelLayer

from django_tandem.channels import BroadcastMixin, broadcast
from django_tandem.channels.frame import Frame

GROUP = "all"


class SharedLayer(InMemoryChannelLayer):
    """Delivers to the consumers of this process at once."""

    def __init__(self):
        super().__init__()
        self.delivering = {}

    def attach(self, channel, deliver):
        self.delivering[channel] = deliver
        return lambda: self.delivering.pop(channel)

    async def group_send(self, group, message):
        frame = Frame(message)
        for channel in self.groups.get(group, {}):
            self.delivering[channel](frame)


class Broadcasting(BroadcastMixin, AsyncWebsocketConsumer):
    """Broadcasts as many messages as its client asks for, while it waits itself."""

    groups = [GROUP]

    async def receive(self, text_data=None, bytes_data=None):
        self.sending = asyncio.create_task(send_all(int(text_data)))


async def send_all(count):
    for number in range(count):
        await broadcast(GROUP, json=[number, "x" * 32_000])
