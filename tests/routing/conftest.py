"""Django, configured as far as these tests need it, and the NGINX that is asked for the truth."""

from collections.abc import Iterator
from contextlib import closing

import django
import pytest
from django.conf import settings

from routing.edge import Edge, programs
from routing.tables import tables

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        LANGUAGES=[("en", "English"), ("de", "German"), ("pt-br", "Brazilian Portuguese")],
        LANGUAGE_CODE="en",
        MIDDLEWARE=["django.middleware.locale.LocaleMiddleware"],
        ROOT_URLCONF="urlconfs.plain_paths",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
        SECRET_KEY="for tests alone",
    )
    django.setup(set_prefix=False)


@pytest.fixture(scope="session", params=programs(), ids=lambda program: program.name)
def edge(request: pytest.FixtureRequest) -> Iterator[Edge]:
    """An NGINX that answers each path with the number of the route its table picks."""
    with closing(Edge(request.param.path, tables())) as edge:
        yield edge
