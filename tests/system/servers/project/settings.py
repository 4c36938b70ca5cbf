"""A project of a few views, to be served by every server."""

import os
from pathlib import Path

SECRET_KEY = "of no secret"
DEBUG = os.environ.get("PROJECT_DEBUG") == "1"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "project.urls"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
FORCE_SCRIPT_NAME = os.environ.get("PROJECT_SCRIPT_NAME")
STATIC_URL = os.environ.get("PROJECT_STATIC_URL", "/static/")
MEDIA_URL = "media/"
INSTALLED_APPS = ["django.contrib.staticfiles", "project"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ.get("PROJECT_DIRECTORY", ".")) / "db.sqlite3",
        "CONN_MAX_AGE": None,
    }
}
CHANNEL_LAYERS = {"default": {"BACKEND": "project.broadcasting.SharedLayer"}}
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
USE_TZ = True
