"""What Django and this package import only at the first request of a process."""

import contextlib
import logging
import os
import sys
from importlib import import_module

from django.apps import apps
from django.conf import settings
from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.utils.module_loading import import_string

from django_tandem import environment
from django_tandem.inprocess import prefork

# By application, the setting that names the class.
CLASSES = {
    "django.contrib.messages": "MESSAGE_STORAGE",
    "django.contrib.sessions": "SESSION_SERIALIZER",
}

logger = logging.getLogger("django_tandem")


def import_modules() -> None:
    """
    Import it in the master: its workers share the memory, and their first requests are fast.

    If it leaves behind what can't be forked, such as the thread of a context processor's client,
    the master starts again without it: the rest of the project is still shared.
    """
    is_left_out = os.environ.get(environment.FIRST_REQUEST) == prefork.NEVER
    if is_left_out or prefork.find_obstacle():
        return
    for load in (_import_compiler, _import_templates, _import_classes, _import_consumers):
        # The request that needs it reports the error, as in a process without a master.
        with contextlib.suppress(Exception, SystemExit):
            load()
    obstacle = prefork.find_obstacle("its template tags and context processors were imported")
    if obstacle:
        logger.warning("%s, so each worker imports them at its first request.", obstacle)
        argv = [sys.executable, *sys.orig_argv[1:]]
        variables = {environment.FIRST_REQUEST: prefork.NEVER}
        prefork.start_again(sys.executable, argv, **variables)


def _import_compiler() -> None:
    import_module("django.db.models.sql.compiler")


def _import_templates() -> None:
    # An engine imports the template tags of all applications.
    for each in engines.all():
        if isinstance(each, DjangoTemplates):
            # A cached property, which imports the context processors.
            each.engine.template_context_processors  # noqa: B018


def _import_classes() -> None:
    """Import what the settings name by its path, where its application is installed."""
    # An application that does without django.setup() has none.
    for name, setting in CLASSES.items():
        if apps.is_installed(name):
            import_string(getattr(settings, setting))


def _import_consumers() -> None:
    if "channels.consumer" in sys.modules:
        import_module("django_tandem.inprocess.consumers")
