"""A channel layer in memory, which only consumers send to, on a real stack."""

import asyncio

import aiohttp
import pytest

from harness.projects import with_channels
from harness.stack import Up

ASGI = """
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path


class Chat(AsyncWebsocketConsumer):
    groups = ["all"]

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("all", {"type": "say", "text": text_data})

    async def say(self, event):
        await self.send(event["text"])


sockets = URLRouter([path("ws/", Chat.as_asgi())])
application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": AllowedHostsOriginValidator(sockets)}
)
"""
IN_MEMORY = """
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
"""
SOCKETS = 6


@pytest.fixture
def project(tmp_path):
    """The textbook's chat: no Redis, and no view that sends."""
    with_channels(tmp_path, WSGI={"WORKERS": 1}, MONITOR=False)
    (tmp_path / "mysite" / "asgi.py").write_text(ASGI)
    (tmp_path / "mysite" / "urls.py").write_text("urlpatterns = []\n")
    settings = tmp_path / "mysite" / "settings.py"
    before, _, _ = settings.read_text().rpartition("CHANNEL_LAYERS = ")
    settings.write_text(before + IN_MEMORY)
    return tmp_path


def test_each_message_reaches_every_socket(project) -> None:
    """One ASGI process serves them all, and a warning says so."""
    with Up(project) as up:
        heard = asyncio.run(_broadcast(up.url))

    assert heard == [[f"from {number}" for number in range(SOCKETS)]] * SOCKETS
    assert "(tandem.W010)" in up.output
    assert "so `tandem up` starts only one ASGI process.\n" in up.output


async def _broadcast(url: str) -> list[list[str]]:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(f"{url}/ws/", origin=url) for _ in range(SOCKETS)]
        for number, socket in enumerate(sockets):
            await socket.send_str(f"from {number}")
        return [sorted([await socket.receive_str() for _ in range(SOCKETS)]) for socket in sockets]
