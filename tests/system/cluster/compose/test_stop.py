"""`docker compose stop`: in order, within the grace periods, with exit code 0."""

import asyncio

import aiohttp
import pytest

pytestmark = pytest.mark.timeout(600)

OF_TANDEM = ("edge", "wsgi-1", "wsgi-2", "asgi", "workers")


def test_a_stop_ends_each_role_with_0(compose) -> None:
    """The edge first, also with an open WebSocket: 137 would be a container that was killed."""
    asyncio.run(_stop_with_a_socket(compose))

    found = compose.containers()
    ended = {name: compose.ended_at(name) for name in ("edge", "asgi", "postgres")}
    compose.up()
    assert {name: found[name]["ExitCode"] for name in OF_TANDEM} == dict.fromkeys(OF_TANDEM, 0)
    assert sorted(ended, key=ended.__getitem__) == ["edge", "asgi", "postgres"]


async def _stop_with_a_socket(compose) -> None:
    async with (
        aiohttp.ClientSession(compose.url) as session,
        session.ws_connect("/ws/lots/1/", origin=compose.url) as socket,
    ):
        await socket.receive_json()
        await asyncio.to_thread(compose.run, "stop")
