"""Consumers of one group: a message from any of them is broadcast to all."""

import os

from channels.generic.websocket import AsyncWebsocketConsumer

GROUP = "all"
# A client that sends this gets more than any buffer on the way to it takes, and reads none of it.
FILL, FILL_BYTES = "fill", 16 * 2**20


class PlainConsumer(AsyncWebsocketConsumer):
    """As the documentation of Channels has it."""

    groups = [GROUP]

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data == FILL:
            await self.send("x" * FILL_BYTES)
        else:
            await self.pass_on(text_data)

    async def pass_on(self, text: str) -> None:
        await self.channel_layer.group_send(GROUP, {"type": "announced", "text": text})

    async def announced(self, event: dict) -> None:
        await self.send(event["text"])


FrameConsumer = None
if os.environ["BENCH_LAYER"] == "tandem":
    from django_tandem.channels import BroadcastMixin, broadcast

    class FrameConsumer(BroadcastMixin, PlainConsumer):
        """The same by one frame for all."""

        async def pass_on(self, text: str) -> None:
            await broadcast(GROUP, text=text)
