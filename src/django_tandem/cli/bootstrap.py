"""The project of the command line, loaded with the embedded Redis on offer."""

import os

from django_tandem.cli.place import offer_redis
from django_tandem.project import loading
from django_tandem.project.loading import Loaded
from django_tandem.project.location import find


def load(settings_option: str | None) -> Loaded:
    """
    Set the project up and read all that the plan needs of it.

    Raises ProjectError when some of it can't be imported, SettingError for its TANDEM.
    """
    location = find(settings_option)
    embedded = offer_redis(location)
    loaded = loading.load(location, embedded_redis=embedded)
    if embedded:
        os.environ.pop("REDIS_URL", None)
    return loaded
