import json
import os

from asgiref.sync import async_to_sync
from channels.consumer import SyncConsumer
from channels.generic.websocket import AsyncWebsocketConsumer


class Chat(AsyncWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("all", self.channel_name)
        await self.accept()
        headers = {name.decode(): value.decode() for name, value in self.scope["headers"]}
        reported = {"path": self.scope["path"], "pid": os.getpid(), "headers": headers}
        await self.send(text_data=json.dumps(reported))

    async def receive(self, text_data=None, bytes_data=None):
        print(f"heard {text_data}")
        await self.send(text_data=f"echo {text_data}")

    async def done(self, event):
        await self.send(text_data=event["text"])


class Background(SyncConsumer):
    def work(self, message):
        print(f"working on {message['text']}")
        text = f"{message['text']} done by {os.getpid()}"
        async_to_sync(self.channel_layer.group_send)("all", {"type": "done", "text": text})
