"""Django's settings, in this process and in the servers behind the edge."""

import json
import os

ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
LANGUAGES = [("en", "English"), ("de", "German"), ("pt-br", "Brazilian Portuguese")]
LANGUAGE_CODE = "en"
MIDDLEWARE = [
    "oracle.served.with_the_urlconf_that_is_asked_for",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "urlconfs.plain_paths"
SECRET_KEY = "for tests alone"

# A served case's own.
globals().update(json.loads(os.environ.get("ORACLE_SETTINGS", "{}")))
