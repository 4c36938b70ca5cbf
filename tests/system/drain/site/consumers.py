"""Consumers of each kind that Channels has, which write down how they end."""

import asyncio
import os

from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from drain.site.notes import note

# 64 MB of what does not compress.
PART = os.urandom(65_536)
FLOOD = 1024


class Quiet(AsyncWebsocketConsumer):
    """It uses no option."""

    async def disconnect(self, code):
        note(f"disconnect {self.scope['path']} {code}")


class SlowToLeave(AsyncWebsocketConsumer):
    """What it does at its end takes longer than the window."""

    async def disconnect(self, code):
        await asyncio.sleep(1)
        note(f"disconnect {self.scope['path']} {code}")


class Closing(AsyncWebsocketConsumer):
    """It closes the connection itself, while it waits for what the client says."""

    async def connect(self):
        await self.accept()
        self.closing = asyncio.create_task(self.close(4001))

    async def disconnect(self, code):
        note(f"disconnect {self.scope['path']} {code}")


class Async(AsyncWebsocketConsumer):
    async def connect(self):
        self.scope["tandem.drain"].event = "lot.leaving"
        await self.accept()

    async def lot_leaving(self, event):
        await asyncio.sleep(0.05)
        await self.send(text_data=f"leaving {event['window_s']}")

    async def disconnect(self, code):
        note(f"disconnect {self.scope['path']} {code}")


class Sync(WebsocketConsumer):
    def connect(self):
        self.scope["tandem.drain"].event = "lot.leaving"
        self.accept()

    def lot_leaving(self, event):
        self.send(text_data=f"leaving {event['window_s']}")

    def disconnect(self, code):
        note(f"disconnect {self.scope['path']} {code}")


class AsyncJson(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.scope["tandem.drain"].event = "lot.leaving"
        await self.accept()

    async def lot_leaving(self, event):
        await self.send_json(event)

    async def disconnect(self, code):
        note(f"disconnect {self.scope['path']} {code}")


class SyncJson(JsonWebsocketConsumer):
    def connect(self):
        self.scope["tandem.drain"].event = "lot.leaving"
        self.accept()

    def lot_leaving(self, event):
        self.send_json(event)

    def disconnect(self, code):
        note(f"disconnect {self.scope['path']} {code}")


class Flood(AsyncWebsocketConsumer):
    """It sends for as long as it may, whether or not its client reads."""

    async def connect(self):
        await self.accept()
        self.flooding = asyncio.create_task(self.flood())

    async def flood(self):
        for _ in range(FLOOD):
            await self.send(bytes_data=PART)
            # A server that only buffers would never let another task run.
            await asyncio.sleep(0)
        note("flooded websocket")

    async def disconnect(self, code):
        self.flooding.cancel()
