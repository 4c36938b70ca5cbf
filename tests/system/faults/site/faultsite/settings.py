"""The example's settings, with TANDEM in a file that each new process reads."""

import json

from config.settings import *  # noqa: F403
from config.settings import BASE_DIR, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "faultsite"]
ROOT_URLCONF = "faultsite.urls"
WSGI_APPLICATION = "faultsite.wsgi.application"
ASGI_APPLICATION = "faultsite.asgi.application"
TANDEM = json.loads((BASE_DIR / "tandem.json").read_text())
