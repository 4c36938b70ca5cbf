"""A project whose views take as long as they are asked to."""

import json
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "of no secret"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["crowd"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "crowd.urls"
ASGI_APPLICATION = "crowd.asgi.application"
USE_TZ = True
TANDEM = json.loads(os.environ.get("CROWD_TANDEM", "{}"))
