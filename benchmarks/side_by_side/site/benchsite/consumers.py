"""A WebSocket that passes on what its group hears, and what a client sends to all of it."""

import os

from channels.generic.websocket import AsyncJsonWebsocketConsumer

GROUP = "broadcast"


class BroadcastConsumer(AsyncJsonWebsocketConsumer):
    groups = [GROUP]

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send(GROUP, {"type": "passed.on", "text": text_data})

    async def announced(self, event: dict) -> None:
        await self.send_json({"at": event["at"]})

    async def passed_on(self, event: dict) -> None:
        await self.send(event["text"])


if os.environ.get("BENCH_LAYER") == "tandem":
    from django_tandem.channels import BroadcastMixin, broadcast

    class BroadcastConsumer(BroadcastMixin, BroadcastConsumer):
        """The same by one frame for all."""

        async def receive(
            self, text_data: str | None = None, bytes_data: bytes | None = None
        ) -> None:
            await broadcast(GROUP, text=text_data)
