"""FORCE_SCRIPT_NAME means the same on both stacks, whether a proxy strips it or not."""

import asyncio
import json

import aiohttp
import pytest

from django_tandem.servers import ASGI_SERVERS, WSGI_SERVERS
from harness.server import serving

EDGE = {"X-Real-IP": "10.0.0.1", "X-Forwarded-Proto": "https", "Host": "shop.example"}
UNDER_APP = {"PROJECT_SCRIPT_NAME": "/app"}


@pytest.fixture(params=[WSGI_SERVERS[0], ASGI_SERVERS[0]], ids=["wsgi", "asgi"])
def running(request, directory):
    with serving(request.param, directory, environment=UNDER_APP) as started:
        yield started


@pytest.mark.parametrize("target", ["/wsgi/lots/", "/app/wsgi/lots/"])
def test_the_script_name_is_before_the_path_and_not_in_it(running, target):
    """Django's own two handlers would each get one of the two wrong."""
    view = json.loads(running.ask(path=target, headers=EDGE).body)

    assert (view["META"]["SCRIPT_NAME"], view["prefix"]) == ("/app", "/app/")
    assert (view["path"], view["path_info"]) == ("/app/wsgi/lots/", "/wsgi/lots/")
    assert view["absolute_uri"] == "https://shop.example/app/wsgi/lots/"


@pytest.mark.parametrize("target", ["/ws/echo", "/app/ws/echo"])
def test_a_websocket_is_routed_below_the_script_name(directory, target):
    """Channels expects the path to begin with it, and takes it off."""
    with serving(ASGI_SERVERS[0], directory, environment=UNDER_APP) as running:
        assert asyncio.run(echoed(running.socket, target)) == "echo x"


async def echoed(path, target):
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        session.ws_connect(f"http://shop.example{target}", headers=EDGE) as websocket,
    ):
        await websocket.send_str("x")
        return await websocket.receive_str(timeout=10)
