"""A project as a container has it: what differs by place comes from the environment."""

import os
import time
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django.contrib.staticfiles", "channels"]
ROOT_URLCONF = "mysite.urls"
WSGI_APPLICATION = "mysite.wsgi.application"
ASGI_APPLICATION = "mysite.asgi.application"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static"
DATABASES = {}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ.get("REDIS_URL", "redis://nowhere")]},
    }
}
TANDEM = {
    "RUN_DIR": "/run/tandem",
    "HEALTH": ":8001",
    "EDGE": {"TEMP_DIR": "/var/tmp/tandem"},
}

if "STUCK_IMPORT" in os.environ:
    # stderr of process 1: a child reads the settings first, and prints nothing.
    Path("/proc/1/fd/2").write_text("The settings are imported.\n")
    time.sleep(600)
