"""``manage.py tandem`` is the command ``tandem``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from django_tandem import environment
from django_tandem.cli import add_commands, run
from django_tandem.runtime.start import replace_process


class Command(BaseCommand):
    """Run a subcommand of tandem."""

    help = "Run this project on WSGI and ASGI at once."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare tandem's own subcommands."""
        add_commands(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the one that was asked for."""
        if options["tandem_command"] == "up":
            # manage.py has imported the settings by now, and they may read a REDIS_URL that
            # is set for them only before.
            manage_py = str(Path(sys.argv[0]).resolve())
            replace_process(sys.argv[2:], **{environment.MANAGE_PY: manage_py})
        code = run(argparse.Namespace(**options))
        if code:
            sys.exit(code)
