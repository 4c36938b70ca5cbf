"""A project of WebSockets in one group, on the channel layer that BENCH_LAYER names."""

import os

LAYERS = {
    "core": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "tandem": "django_tandem.channels.RedisLayer",
}
SECRET_KEY = "of the benchmark"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
ASGI_APPLICATION = "asgi.application"
# redis-py 8 gives up reading after 5 s, which ends the quiet sockets of channels_redis.
HOST = {"address": os.environ["REDIS_URL"], "socket_timeout": None}
CHANNEL_LAYERS = {
    "default": {"BACKEND": LAYERS[os.environ["BENCH_LAYER"]], "CONFIG": {"hosts": [HOST]}}
}
TANDEM = {}
