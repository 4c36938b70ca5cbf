"""A project with every kind of thing that may be open when its generation is replaced."""

import os

SECRET_KEY = "tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "drain.site.urls"
# The worker of Channels needs no app.
INSTALLED_APPS: list[str] = []
ASGI_APPLICATION = os.environ.get("APPLICATION", "drain.site.asgi.application")
if "REDIS_URL" in os.environ:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": os.environ.get("LAYER", "channels_redis.core.RedisChannelLayer"),
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]], "capacity": 10_000},
        }
    }
