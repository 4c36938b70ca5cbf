"""``manage.py tandem`` is the command ``tandem``."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from django_tandem import environment
from django_tandem.cli import (
    UsageError,
    add_commands,
    exit_process,
    refuse_unknown_command,
    run,
)
from django_tandem.runtime.start import replace_process

# What runs `tandem` and is no manage.py of a project: django-admin, and `python -m django`.
_DJANGOS_OWN = ("django-admin", "__main__.py")
# The settings are imported by now. They may read a REDIS_URL that has to be set before, and the
# variables that manage.py set, which the servers lack, can't be distinguished from theirs any more.
_STARTED_OVER = ("up", "reload", "render")


class Command(BaseCommand):
    """Run a subcommand of tandem."""

    help = "Run this project on WSGI and ASGI at once."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Remember the command line, for the commands that start over."""
        self._argv = argv
        try:
            refuse_unknown_command(argv[2:])
            super().run_from_argv(argv)
        except UsageError as error:
            self.stderr.write(str(error))
            sys.exit(error.exit_code)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare tandem's own subcommands."""
        add_commands(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the subcommand."""
        argv: list[str] = getattr(self, "_argv", [])
        if argv and (options["tandem_command"] in _STARTED_OVER or os.geteuid() == 0):
            # Root's continues as another user, with nothing of the project imported.
            replace_process(list(_arguments(argv, options)), **_variables(argv[0], options))
        code = run(argparse.Namespace(**{"env_file": None, **options}))
        if argv:
            exit_process(code)
        if code:
            sys.exit(code)


def _arguments(argv: list[str], options: dict[str, Any]) -> Iterator[str]:
    """Yield the arguments of tandem, with what Django's own parser took before the subcommand."""
    yield options["tandem_command"]
    if options["settings"]:
        yield f"--settings={options['settings']}"
    yield from argv[argv.index(options["tandem_command"], 2) + 1 :]


def _variables(program: str, options: dict[str, Any]) -> dict[str, str]:
    found = {}
    if Path(program).name not in _DJANGOS_OWN:
        found[environment.MANAGE_PY] = str(Path(program).resolve())
    if options["pythonpath"]:
        more = (str(Path(options["pythonpath"]).resolve()), os.environ.get("PYTHONPATH", ""))
        found["PYTHONPATH"] = os.pathsep.join(filter(None, more))
    return found
