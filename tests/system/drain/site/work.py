"""A consumer of background messages, and the ASGI application that has it alone."""

import asyncio
import os
import time

from channels.consumer import AsyncConsumer, SyncConsumer
from channels.routing import ChannelNameRouter, ProtocolTypeRouter
from drain.site.notes import note


class Work(AsyncConsumer):
    async def work(self, message):
        note(f"begun {message['number']} {os.getpid()}")
        await asyncio.sleep(message["s"])
        note(f"done {message['number']} {os.getpid()}")


class SyncWork(SyncConsumer):
    def work(self, message):
        note(f"begun {message['number']} {os.getpid()}")
        time.sleep(message["s"])
        note(f"done {message['number']} {os.getpid()}")


application = ProtocolTypeRouter(
    {"channel": ChannelNameRouter({"work": Work.as_asgi(), "sync": SyncWork.as_asgi()})}
)
