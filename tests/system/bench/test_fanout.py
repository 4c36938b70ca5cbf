"""`tandem bench --message` measures broadcasts, memory and reconnects on each topology."""

import json
from pathlib import Path

import pytest
from bench.command import made_in

from harness.stack import tandem

ASGI = """
import os

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path


class Chat(AsyncWebsocketConsumer):
    groups = ["chat"]

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("chat", {"type": "said", "text": text_data})

    async def said(self, event):
        await self.send(event["text"])


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": URLRouter([path("ws/", Chat.as_asgi())])}
)
"""
SETTINGS = """
import os
# `tandem` starts one, and sets the variable.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]},
    }
}
TANDEM = {"WSGI": {"WORKERS": 1}, "ASGI": {"WORKERS": 1}, "DRAIN_S": 1}
"""
COUNT = 20


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    project = made_in(tmp_path_factory.mktemp("fanout"), SETTINGS)
    (project / "mysite" / "asgi.py").write_text(ASGI)
    options = ("--sockets", str(COUNT), "--rounds", "1", "--duration", "0.3", "--yes")
    done = tandem(
        project, "bench", "--ws", "/ws/", "--message", "{stamp}", *options, "--json", "out.json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done, json.loads(Path(project, "out.json").read_text())


def _rounds(measured) -> dict[str, dict]:
    return {row["topology"]: row["rounds"][0] for row in measured[1]["rows"]}


def test_each_topology_with_websockets_delivers_each_broadcast(measured) -> None:
    """The WSGI server has none, and no row."""
    assert list(_rounds(measured)) == ["asgi", "hybrid"]
    for each in _rounds(measured).values():
        sent = each["broadcast"]
        assert each["idle"]["opened"] == COUNT
        assert sent["delivered"] == COUNT * sent["sent"] > 0
        assert (sent["lost"], sent["repeated"], sent["closed"]) == (0, 0, [])
        assert 0 < sent["latency"]["p50_ms"] <= sent["latency"]["p99_ms"]
        assert sent["servers_cpu_s"] > 0


def test_after_a_reload_and_a_kill_all_are_open_again(measured) -> None:
    """A reload closes each of them; a kill those of one process."""
    for each in _rounds(measured).values():
        reload, kill = each["storms"]
        assert (reload["cause"], kill["cause"]) == ("reload", "kill")
        assert sum(times for _, times in reload["closed"]) >= COUNT
        assert sum(times for _, times in kill["closed"]) >= 1
        assert reload["seconds"] > 0
        assert kill["seconds"] > 0


def test_the_tables_have_a_line_for_each(measured) -> None:
    """Broadcasts first, then reconnects."""
    lines = measured[0].stdout.splitlines()

    assert f"{COUNT} WebSockets on /ws/" in lines
    heads = [line.split()[0] for line in lines if line.startswith(" ")]
    assert heads == ["OPENED", "AFTER"]
    assert len([line for line in lines if line.startswith("hybrid (gunicorn + uvicorn)  ")]) == 3
