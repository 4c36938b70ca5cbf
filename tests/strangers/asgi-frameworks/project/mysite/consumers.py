from channels.generic.websocket import WebsocketConsumer
from django.urls import path


class Echo(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data)

    @classmethod
    def routes(cls):
        return [path("ws/", cls.as_asgi())]
