"""What the drain leaves to the ASGI servers themselves."""

import asyncio

import pytest
from drain.clients import Response
from drain.serving import Served

SERVERS = ("uvicorn", "daphne", "granian", "hypercorn", "gunicorn")


class Cut:
    """A download without an end beside a stream, while one server is drained and stopped."""

    def __init__(self, served):
        self.served = served
        self.download = Response(served.socket, "/download/")
        self.stream = Response(served.socket, "/stream/1/")

    async def run(self):
        await self.served.answers()
        await asyncio.gather(self.download.open(), self.stream.open())
        self.served.drain(0.2)
        reading = asyncio.ensure_future(self.download.until_ended())
        await self.stream.until_ended()
        self.length_in_window = len(self.download.body)
        self.served.terminate()
        await asyncio.wait_for(reading, 15)
        await self.served.ends(15)


@pytest.mark.parametrize("server", SERVERS)
def test_a_download_is_cut_where_all_can_see_it(server, tmp_path):
    """It goes on through the window, and a body that has no end does not look complete."""
    with Served(server, 1, tmp_path, grace_s=1) as served:
        cut = Cut(served)
        asyncio.run(cut.run())

    assert cut.stream.is_whole
    assert not cut.download.is_whole
    assert len(cut.download.body) > cut.length_in_window
