"""Import names, given as JSON: module and attribute each; print those that are not there."""

import json
import sys
from importlib import import_module

import django
from django.conf import settings

APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "channels"]


def is_there(module: str, name: str) -> bool:
    try:
        found = import_module(module)
    except ImportError:
        return False
    if hasattr(found, name):
        return True
    try:
        import_module(f"{module}.{name}")
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    settings.configure(INSTALLED_APPS=APPS, SECRET_KEY="of no secret")
    django.setup()
    for module, name in json.loads(sys.argv[1]):
        if not is_there(module, name):
            print(f"from {module} import {name}")
