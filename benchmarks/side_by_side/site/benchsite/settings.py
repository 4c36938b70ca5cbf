"""The example's settings, for any of the topologies."""

import os

from config.settings import *  # noqa: F403
from config.settings import DATABASES

ASGI_APPLICATION = "benchsite.asgi.application"
LAYERS = {
    "core": "channels_redis.core.RedisChannelLayer",
    "tandem": "django_tandem.channels.RedisLayer",
}
# The driver of `make bench` sends on the layer that the stock topologies have.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": LAYERS[os.environ.get("BENCH_LAYER", "core")],
        "CONFIG": {"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]},
    }
}
# What it waits for is one service, which the benchmark runs itself.
TANDEM = {}
if os.environ.get("BENCH_POOL"):
    # Persistent connections and a pool exclude each other, by Django's own word.
    given = DATABASES["default"].get("OPTIONS", {})
    DATABASES["default"] |= {"CONN_MAX_AGE": 0, "OPTIONS": {**given, "pool": True}}
