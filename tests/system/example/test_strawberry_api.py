"""The Strawberry API: recent bids over HTTP, live ones over a WebSocket."""

import asyncio

from channels.testing import WebsocketCommunicator
from django.test import AsyncClient
from lots import abid_on, amake_lot

from config.asgi import application


async def _subscribed(query: str) -> WebsocketCommunicator:
    socket = WebsocketCommunicator(
        application,
        "/ws/strawberry/",
        headers=[(b"origin", b"http://localhost")],
        subprotocols=["graphql-transport-ws"],
    )
    assert await socket.connect(timeout=10) == (True, "graphql-transport-ws")
    await socket.send_json_to({"type": "connection_init"})
    assert (await socket.receive_json_from(timeout=10))["type"] == "connection_ack"
    await socket.send_json_to({"type": "subscribe", "id": "1", "payload": {"query": query}})
    # A subscription is not acknowledged, so it is asked whether it is there: pings are answered
    # in turn, after the subscribe before them.
    await socket.send_json_to({"type": "ping"})
    assert (await socket.receive_json_from(timeout=10))["type"] == "pong"
    return socket


def test_recent_bids_are_answered_over_http() -> None:
    """The async view lists the newest bids, oldest first."""

    async def scenario() -> dict:
        await abid_on(await amake_lot(), 100, 110, 120)
        body = {"query": "{ bids(first: 2) { sequence amount bidder } }"}
        response = await AsyncClient().post("/strawberry/", body, content_type="application/json")
        return response.json()

    assert asyncio.run(scenario())["data"]["bids"] == [
        {"sequence": 2, "amount": "110.00", "bidder": "ada"},
        {"sequence": 3, "amount": "120.00", "bidder": "ada"},
    ]


def test_subscription_follows_one_lot() -> None:
    """A subscriber gets each bid on the lot from then on, in order."""

    async def scenario() -> list[dict]:
        lot, other = await amake_lot(), await amake_lot()
        await abid_on(lot, 100)
        socket = await _subscribed(f"subscription {{ bids(lot: {lot.pk}) {{ sequence amount }} }}")
        await abid_on(other, 100)
        await abid_on(lot, 110, 120)
        messages = [await socket.receive_json_from(timeout=10) for _ in range(2)]
        await socket.disconnect()
        return [message["payload"]["data"]["bids"] for message in messages]

    assert asyncio.run(scenario()) == [
        {"sequence": 2, "amount": "110.00"},
        {"sequence": 3, "amount": "120.00"},
    ]
