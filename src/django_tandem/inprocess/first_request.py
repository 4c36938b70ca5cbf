"""What Django and this package import only at the first request of a process."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from django.conf import settings
from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.utils.module_loading import import_string


def import_modules() -> None:
    """Import it in the master: its workers share the memory, and their first requests are fast."""
    for load in _loads():
        # The request that needs it reports the error, as in a process without a master.
        with contextlib.suppress(Exception):
            load()


def _loads() -> Iterator[Callable[[], Any]]:
    yield lambda: import_module("django.db.models.sql.compiler")
    yield _import_templates
    if "django.contrib.messages" in settings.INSTALLED_APPS:
        yield lambda: import_string(settings.MESSAGE_STORAGE)
    if "django.contrib.sessions" in settings.INSTALLED_APPS:
        yield lambda: import_string(settings.SESSION_SERIALIZER)
    if "channels.consumer" in sys.modules:
        yield lambda: import_module("django_tandem.inprocess.consumers")


def _import_templates() -> None:
    # An engine imports the template tags of all applications.
    for each in engines.all():
        if isinstance(each, DjangoTemplates):
            # A cached property, which imports the context processors.
            each.engine.template_context_processors  # noqa: B018
