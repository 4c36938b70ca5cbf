"""A Redis channel layer that lasts is called as any other."""

import asyncio
import subprocess
from collections.abc import Iterator

import pytest
from channels_redis.core import RedisChannelLayer

from django_tandem.inprocess.channel_layers import reconnecting
from django_tandem.runtime.host import find_valkey
from harness.client import wait_for


@pytest.fixture
def redis(tmp_path) -> Iterator[str]:
    path = tmp_path / "s"
    unsaved = ("--port", "0", "--save", "", "--dir", str(tmp_path), "--unixsocket", str(path))
    process = subprocess.Popen([find_valkey(), *unsaved], stdout=subprocess.DEVNULL)
    wait_for(path.exists)
    yield f"unix://{path}"
    process.terminate()
    process.wait()


def test_arguments_may_be_named(redis) -> None:
    """As in Channels' own documentation."""

    async def talk() -> list[dict]:
        layer = reconnecting(RedisChannelLayer(hosts=[redis]))
        channel = await layer.new_channel(prefix="test")
        await layer.group_add(group="all", channel=channel)
        await layer.group_send(group="all", message={"type": "one"})
        await layer.send(channel=channel, message={"type": "two"})
        heard = [await layer.receive(channel=channel) for _ in range(2)]
        await layer.close_pools()
        return heard

    assert [each["type"] for each in asyncio.run(talk())] == ["one", "two"]
