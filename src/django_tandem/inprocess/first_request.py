"""What Django and this package import or compute only at the first request of a process."""

import contextlib
import logging
import os
import sys
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections
from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.urls import get_resolver
from django.utils.formats import get_format
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from django_tandem import environment, fingerprints
from django_tandem.inprocess import channel_layers, layer_attachment, prefork
from django_tandem.inprocess.urlconf import script_prefix

# By application, the setting that names the class.
CLASSES = {
    "django.contrib.messages": "MESSAGE_STORAGE",
    "django.contrib.sessions": "SESSION_SERIALIZER",
}
# By module, the patterns of most requests; Django compiles them as they are first used.
PATTERNS = {
    "django.core.signing": ("_SEP_UNSAFE",),
    "django.http.request": ("host_validation_re",),
    "django.http.response": ("_charset_from_content_type_re",),
    "django.middleware.csrf": ("invalid_token_chars_re",),
    "django.template.base": ("filter_re", "kwarg_re"),
    "django.utils.cache": ("cc_delim_re",),
    "django.utils.text": ("smart_split_re",),
}
# Cached properties of a model's options, which each query uses to find its fields.
FIELDS = ("fields", "concrete_fields", "related_objects", "_forward_fields_map")

logger = logging.getLogger("django_tandem")


def prepare() -> None:
    """
    Import and compute it in the master: the workers share it, and their first requests are fast.

    If it leaves behind what can't be forked, such as the thread of a context processor's client,
    the master starts again without it: the rest of the project is still shared.
    """
    is_left_out = os.environ.get(environment.FIRST_REQUEST) == prefork.NEVER
    if is_left_out or prefork.find_obstacle():
        return
    for step in STEPS:
        # The request that needs it reports the error, as in a process without a master.
        with script_prefix(), contextlib.suppress(Exception, SystemExit):
            step()
    obstacle = prefork.find_obstacle("what a first request needs was loaded")
    if obstacle:
        logger.warning("%s, so each worker loads it at its first request.", obstacle)
        argv = [sys.executable, *sys.orig_argv[1:]]
        variables = {environment.FIRST_REQUEST: prefork.NEVER}
        prefork.start_again(sys.executable, argv, **variables)


def _prepare_queries() -> None:
    import_module("django.db.models.sql.compiler")
    for model in apps.get_models():
        options: Any = model._meta
        for name in FIELDS:
            getattr(options, name)
    for alias in connections:
        # The adapters of psycopg take longer than a query. Another backend may fetch a token.
        if type(connections[alias]).__module__ == "django.db.backends.postgresql.base":
            connections[alias].get_connection_params()


def _load_templates() -> None:
    # An engine imports the template tags of all applications.
    for each in engines.all():
        if isinstance(each, DjangoTemplates):
            # Cached properties, which import the context processors and the loaders.
            each.engine.template_context_processors  # noqa: B018
            each.engine.template_loaders  # noqa: B018


def _import_classes() -> None:
    """Import what the settings name by its path, where its application is installed."""
    # An application that does without django.setup() has none.
    for name, setting in CLASSES.items():
        if apps.is_installed(name):
            import_string(getattr(settings, setting))
    if apps.is_installed("django.contrib.staticfiles"):
        import_string(settings.STORAGES["staticfiles"]["BACKEND"])


def _prepare_urls() -> None:
    """Compile the routes, and make the table of `reverse`."""
    resolver = get_resolver()
    resolver.pattern.regex  # noqa: B018 - a cached property
    resolver.reverse_dict  # noqa: B018


def _load_language() -> None:
    """Load the translations and the formats of the default language."""
    gettext("yes")
    get_format("DECIMAL_SEPARATOR")


def _compile_patterns() -> None:
    for module, names in PATTERNS.items():
        for name in names:
            pattern = getattr(import_module(module), name, None)
            # Any attribute of a lazy object makes it.
            getattr(pattern, "pattern", None)


def _read_channels() -> None:
    """Read the code of Channels that each worker compares before it replaces it."""
    if "channels.consumer" in sys.modules:
        import_module("django_tandem.inprocess.consumers").read_replaced()
    if "channels_redis.core" in sys.modules:
        replaced = (*channel_layers.WRAPPED, *channel_layers.REPLACED)
        fingerprints.unknown_among((*replaced, *layer_attachment.CORE_SOURCES))


STEPS = (
    _prepare_queries,
    _load_templates,
    _import_classes,
    _prepare_urls,
    _load_language,
    _compile_patterns,
    _read_channels,
)
