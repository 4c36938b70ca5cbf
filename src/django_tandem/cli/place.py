"""Where the project's stack runs, as its settings say; nothing else of the project is imported."""

import argparse
import os
from pathlib import Path

from django_tandem.project.location import Location, find, load_settings
from django_tandem.runtime import run_dir
from django_tandem.runtime.host import find_valkey
from django_tandem.settings import Settings


def find_run_dir(options: argparse.Namespace) -> Path:
    """Return where the project's stack runs, without setting the project up."""
    location = find(options.settings)
    embedded = offer_redis(location)
    settings = load_settings(location)
    if embedded:
        # Whoever goes on to plan the project offers it again, and must not take it for its own.
        os.environ.pop("REDIS_URL", None)
    directory = run_dir.locate(str(location.directory), settings.run_dir)
    run_dir.refuse_foreign(directory)
    return directory


def offer_redis(location: Location) -> str | None:
    """
    Set REDIS_URL for the project when it is not set and a Valkey can be started for it.

    Settings read it while they are imported, so it is set before; where the run directory
    turns out to be another one, the processes are told the right one.
    """
    if "REDIS_URL" in os.environ or find_valkey() is None:
        return None
    socket = run_dir.locate(
        str(location.directory), Settings.__dataclass_fields__["run_dir"].metadata["default"]
    )
    os.environ["REDIS_URL"] = f"unix://{socket / 'valkey.sock'}"
    return os.environ["REDIS_URL"]
