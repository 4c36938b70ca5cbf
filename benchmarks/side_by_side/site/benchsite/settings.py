"""The example's settings, for any of the topologies."""

import os

from config.settings import *  # noqa: F403
from config.settings import DATABASES

ASGI_APPLICATION = "benchsite.asgi.application"
# What it waits for is one service, which the benchmark runs itself.
TANDEM = {}
if os.environ.get("BENCH_POOL"):
    # Persistent connections and a pool exclude each other, by Django's own word.
    given = DATABASES["default"].get("OPTIONS", {})
    DATABASES["default"] |= {"CONN_MAX_AGE": 0, "OPTIONS": {**given, "pool": True}}
