"""The example's settings, with TANDEM in a file that each new process reads."""

import json
import os

from config.settings import *  # noqa: F403
from config.settings import BASE_DIR, CHANNEL_LAYERS, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "faultsite"]
ROOT_URLCONF = "faultsite.urls"
WSGI_APPLICATION = "faultsite.wsgi.application"
ASGI_APPLICATION = "faultsite.asgi.application"
TANDEM = json.loads((BASE_DIR / "tandem.json").read_text())

# In memory, without REDIS_URL, there is nothing to configure.
if "FAULTS_LAYER" in os.environ and "CONFIG" in CHANNEL_LAYERS["default"]:
    CHANNEL_LAYERS["default"]["BACKEND"] = os.environ["FAULTS_LAYER"]
