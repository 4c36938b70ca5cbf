"""A project whose import is counted, and may leave something behind."""

import importlib
import os
from pathlib import Path

DIRECTORY = Path(os.environ["PROJECT_DIRECTORY"])
with (DIRECTORY / "imports").open("a") as file:
    file.write(f"{os.getpid()}\n")

SECRET_KEY = "of no secret"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mastersite.urls"
INSTALLED_APPS = ["mastersite"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ASGI_APPLICATION = os.environ.get("ASGI_SETTING", "mastersite.asgi.application")
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DIRECTORY / "db.sqlite3"}}
USE_TZ = True
FORCE_SCRIPT_NAME = os.environ.get("FORCED_SCRIPT_NAME")
if "REDIS_URL" in os.environ:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        }
    }

if "LEFTOVER" in os.environ:
    importlib.import_module(f"mastersite.leftovers.{os.environ['LEFTOVER']}")
if "CONTEXT_PROCESSOR" in os.environ:
    processor = f"mastersite.leftovers.{os.environ['CONTEXT_PROCESSOR']}.poll"
    TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"context_processors": [processor]},
        }
    ]
