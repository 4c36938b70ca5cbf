"""A connection that is open keeps the handshake's headers in its scope alone."""

import asyncio

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import unix_connect

from django_tandem import fingerprints
from django_tandem.servers.adapters.forked_workers import websocket_protocol


def test_the_headers_reach_the_application_and_are_kept_nowhere_else(tmp_path):
    """By Uvicorn itself, for whose option ``ws`` it is."""
    seen = []

    async def application(scope, receive, send):
        await receive()
        # The protocol's own request, which it keeps.
        kept = receive.__self__.request.headers
        seen.append((dict(scope["headers"]).get(b"x-given"), len(kept)))
        await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
        await send({"type": "websocket.close"})

    async def run():
        path = str(tmp_path / "s")
        config = uvicorn.Config(
            application,
            uds=path,
            ws=websocket_protocol("auto"),
            lifespan="off",
            log_level="warning",
        )
        server = uvicorn.Server(config)
        serving = asyncio.ensure_future(server._serve())
        while not server.started:
            await asyncio.sleep(0.01)
        given = {"X-Given": "value"}
        async with unix_connect(path, subprotocols=["own"], additional_headers=given) as client:
            chosen = client.subprotocol
        server.should_exit = True
        await serving
        return chosen

    assert asyncio.run(run()) == "own"
    assert seen == [(b"value", 0)]


def test_another_choice_of_the_user_stays():
    """Such as wsproto."""
    assert websocket_protocol("wsproto") == "wsproto"


def test_an_unknown_version_of_uvicorn_is_left_as_it_is(monkeypatch, caplog):
    """And one line says so."""
    monkeypatch.setattr(fingerprints, "is_known", lambda name: False)

    assert websocket_protocol("auto") == "auto"
    version = fingerprints.installed_version("uvicorn")
    name = f"{WebSocketsSansIOProtocol.__module__}.WebSocketsSansIOProtocol.handle_connect"
    assert caplog.messages == [
        f"{name} in {version} differs from the versions that django-tandem knows. "
        "Each WebSocket takes 4 kB more."
    ]
