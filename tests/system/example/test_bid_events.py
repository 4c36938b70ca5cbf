"""The event stream of bids."""

import asyncio
import json
from collections.abc import AsyncIterator

from django.test import AsyncClient, Client
from lots import abid_on, amake_lot

from auctions import feed


async def _events(stream: AsyncIterator[bytes], count: int) -> list[dict]:
    events: list[dict] = []
    async with asyncio.timeout(10):
        while len(events) < count:
            chunk = (await anext(stream)).decode()
            data = [line[6:] for line in chunk.splitlines() if line.startswith("data: ")]
            events += map(json.loads, data)
    return events


def test_stream_begins_with_recent_bids_and_goes_on_with_new_ones() -> None:
    """The last 20 bids come first, then each as it is placed."""

    async def scenario() -> list[int]:
        lot = await amake_lot()
        await abid_on(lot, *range(100, 125))
        response = await AsyncClient().get("/events/bids/")
        stream = aiter(response.streaming_content)
        recent = await _events(stream, 20)
        await abid_on(lot, 200)
        live = await _events(stream, 1)
        await stream.aclose()
        return [bid["sequence"] for bid in recent + live]

    assert asyncio.run(scenario()) == list(range(6, 27))


def test_reader_that_was_cut_off_resumes_after_the_last_event() -> None:
    """Last-Event-ID, which browsers send automatically, leaves no hole."""

    async def scenario() -> list[int]:
        bids = await abid_on(await amake_lot(), *range(100, 130))
        headers = {"Last-Event-ID": str(bids[2].pk)}
        response = await AsyncClient().get("/events/bids/", headers=headers)
        stream = aiter(response.streaming_content)
        events = await _events(stream, 27)
        await stream.aclose()
        return [bid["sequence"] for bid in events]

    assert asyncio.run(scenario()) == list(range(4, 31))


def test_quiet_stream_sends_comments(monkeypatch) -> None:
    """Something is sent now and then, so that proxies and readers know it lives."""
    monkeypatch.setattr(feed, "CATCH_UP_S", 0.02)

    async def scenario() -> list[bytes]:
        response = await AsyncClient().get("/events/bids/")
        stream = aiter(response.streaming_content)
        chunks = [await anext(stream) for _ in range(2)]
        await stream.aclose()
        return chunks

    assert asyncio.run(scenario()) == [b": quiet\n\n"] * 2


def test_stream_is_marked_as_one() -> None:
    """Headers name its type for caches and browsers, and it is only for reading."""

    async def scenario() -> dict:
        return (await AsyncClient().get("/events/bids/")).headers

    headers = asyncio.run(scenario())
    assert headers["Content-Type"] == "text/event-stream"
    assert headers["Cache-Control"] == "no-cache"
    assert Client().post("/events/bids/").status_code == 405
