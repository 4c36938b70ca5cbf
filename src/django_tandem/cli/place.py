"""Where the project's stack runs, as its settings say; nothing else of the project is imported."""

import argparse
import os
import sys
from pathlib import Path

from django.conf import settings as django_settings

from django_tandem.cli.project import VARIABLE, Found, find
from django_tandem.project.importing import trying
from django_tandem.runtime import run_dir
from django_tandem.runtime.host import find_valkey
from django_tandem.settings import Settings, read_settings


def find_run_dir(options: argparse.Namespace) -> Path:
    """Return where the project's stack runs, without setting the project up."""
    found = find(options.settings)
    embedded = offer_redis(found)
    settings = load_settings(found)
    if embedded:
        # Whoever goes on to plan the project offers it again, and must not take it for its own.
        os.environ.pop("REDIS_URL", None)
    directory = run_dir.locate(str(found.directory), settings.run_dir)
    run_dir.refuse_foreign(directory)
    return directory


def load_settings(found: Found) -> Settings:
    """Import the project's settings only, which is all that finding its run directory takes."""
    os.environ[VARIABLE] = found.settings_module
    if str(found.directory) not in sys.path:
        sys.path.insert(0, str(found.directory))
    given = trying(
        f'The settings module "{found.settings_module}"',
        lambda: getattr(django_settings, "TANDEM", None),
    )
    return read_settings(given)


def offer_redis(found: Found) -> str | None:
    """
    Set REDIS_URL for the project when it is not set and a Valkey can be started for it.

    Settings read it while they are imported, so it is set before; where the run directory
    turns out to be another one, the processes are told the right one.
    """
    if "REDIS_URL" in os.environ or find_valkey() is None:
        return None
    socket = run_dir.locate(
        str(found.directory), Settings.__dataclass_fields__["run_dir"].metadata["default"]
    )
    os.environ["REDIS_URL"] = f"unix://{socket / 'valkey.sock'}"
    return os.environ["REDIS_URL"]
