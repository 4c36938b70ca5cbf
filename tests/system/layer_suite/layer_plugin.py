"""A plugin of pytest: the suite's layers use the Valkey of LAYER_URL, and are LAYER's."""

import os

from channels_redis import core, pubsub

from django_tandem.channels import RedisLayer

URL = os.environ["LAYER_URL"]


def _of_server(layer):
    class OfServer(layer):
        def __init__(self, hosts=("redis://localhost:6379",), **options):
            # Each of several hosts is a database of the one server.
            databases = [str(host).partition("6379")[2].strip("/") or "0" for host in hosts]
            super().__init__(hosts=[f"{URL}?db={each}" for each in databases], **options)

    return OfServer


def pytest_configure():
    ours = os.environ["LAYER"] == "ours"
    core.RedisChannelLayer = _of_server(RedisLayer if ours else core.RedisChannelLayer)
    pubsub.RedisPubSubChannelLayer = _of_server(
        RedisLayer if ours else pubsub.RedisPubSubChannelLayer
    )
