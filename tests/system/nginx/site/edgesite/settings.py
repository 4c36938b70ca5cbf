"""A project to stand behind an edge; what differs between tests comes from the environment."""

import json
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "of no secret"
DEBUG = os.environ.get("EDGESITE_DEBUG") == "1"
ALLOWED_HOSTS = ["*"]
FORWARDED = json.loads(os.environ.get("EDGESITE_FORWARDED", "{}"))
USE_X_FORWARDED_HOST = FORWARDED.get("host", False)
USE_X_FORWARDED_PORT = FORWARDED.get("port", False)
SECURE_PROXY_SSL_HEADER = tuple(FORWARDED["ssl"]) if "ssl" in FORWARDED else None
INSTALLED_APPS = ["django.contrib.staticfiles", "edgesite"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
if os.environ.get("EDGESITE_SECURITY"):
    MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", *MIDDLEWARE]
    globals().update(json.loads(os.environ["EDGESITE_SECURITY"]))
if os.environ.get("EDGESITE_SESSIONS"):
    MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", *MIDDLEWARE]
ROOT_URLCONF = os.environ.get("EDGESITE_URLS", "edgesite.urls")
WSGI_APPLICATION = "edgesite.wsgi.application"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "collected"
MEDIA_URL = "/media/"
MEDIA_ROOT = BASE_DIR / "uploaded"
TANDEM = json.loads(os.environ.get("EDGESITE_TANDEM", "{}"))
if os.environ.get("EDGESITE_CHANNELS", "1") == "1":
    ASGI_APPLICATION = "edgesite.channels.application"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
FORCE_SCRIPT_NAME = os.environ.get("EDGESITE_SCRIPT_NAME")
if FORCE_SCRIPT_NAME:
    STATIC_URL = os.environ.get("EDGESITE_STATIC_URL", "static/")
    MEDIA_URL = "media/"
if os.environ.get("EDGESITE_WHITENOISE"):
    MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware", *MIDDLEWARE]
    globals().update(json.loads(os.environ["EDGESITE_WHITENOISE"]))
