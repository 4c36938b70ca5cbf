"""A WebSocket that passes on what its group hears, and nothing else."""

from channels.generic.websocket import AsyncJsonWebsocketConsumer

GROUP = "broadcast"


class BroadcastConsumer(AsyncJsonWebsocketConsumer):
    groups = [GROUP]

    async def announced(self, event: dict) -> None:
        await self.send_json({"at": event["at"]})
