"""Where the project's stack runs, as its settings say; nothing else of the project is imported."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from django_tandem.project.embedded_redis import VARIABLE, Offer, offer
from django_tandem.project.location import Location, find, load_settings
from django_tandem.runtime import run_dir
from django_tandem.runtime.host import find_valkey
from django_tandem.settings import Settings


def find_run_dir(options: argparse.Namespace) -> Path:
    """Return where the project's stack runs, without setting the project up."""
    location = find(options.settings)
    with redis_offered(location):
        settings = load_settings(location)
    directory = run_dir.locate(str(location.directory), settings.run_dir)
    run_dir.refuse_foreign(directory)
    return directory


@contextmanager
def redis_offered(location: Location) -> Iterator[Offer]:
    """
    Set REDIS_URL for the length of the block, in which the settings are imported, if they take it.

    The plan gives it to the processes; where TANDEM["RUN_DIR"] is another directory, with
    another path.
    """
    offered = _offer(location)
    if offered.url:
        os.environ[VARIABLE] = offered.url
    try:
        yield offered
    finally:
        if offered.url:
            os.environ.pop(VARIABLE, None)


@cache
def _offer(location: Location) -> Offer:
    # Cached: the settings are imported once, and a command may look at them twice.
    if VARIABLE in os.environ or find_valkey() is None:
        return Offer()
    default = Settings.__dataclass_fields__["run_dir"].metadata["default"]
    directory = run_dir.locate(str(location.directory), default)
    return offer(location, f"unix://{directory / 'valkey.sock'}")
