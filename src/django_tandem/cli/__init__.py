"""The command line: a file a subcommand, and a line here."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from django_tandem import __version__
from django_tandem.errors import TandemError

# What a shell takes for "ended by Ctrl-C".
INTERRUPTED = 130

# A module here each, in the order of their first use.
COMMANDS: tuple[str, ...] = (
    "plan",
    "explain",
    "up",
    "status",
    "logs",
    "reload",
    "down",
    "render",
    "bench",
    "check",
)


def parser(names: Sequence[str] = COMMANDS, *, prog: str = "tandem") -> argparse.ArgumentParser:
    """Return the parser of the command line, with the subcommands of ``names``."""
    top = argparse.ArgumentParser(
        prog=prog, description="Run a Django project on WSGI and ASGI at once."
    )
    top.add_argument("--version", action="version", version=f"django-tandem {__version__}")
    add_commands(top, names)
    return top


def add_commands(top: argparse.ArgumentParser, names: Sequence[str] = COMMANDS) -> None:
    """Add the subcommands of ``names`` to ``top``, with the options that all of them take."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--settings", help="the settings module, such as config.settings")
    commands = top.add_subparsers(dest="tandem_command", required=True, metavar="COMMAND")
    for name in names:
        module = import_module(f"{__name__}.{name}")
        summary = (module.__doc__ or "").strip().splitlines()[0]
        # Django's own parser class must not be handed down: its subparsers take other arguments.
        each = commands.add_parser(
            name, parents=[common], help=summary, description=summary, allow_abbrev=False
        )
        module.add_arguments(each)
        each.set_defaults(tandem_run=module.run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand that was parsed, and tell an error in two sentences."""
    try:
        code: int = options.tandem_run(options)
    except TandemError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has had enough of it.
        sys.stderr.close()
        return 0
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` and return its exit code."""
    given = sys.argv[1:] if argv is None else argv
    # The one that is asked for: all of them together take most of the time of a short one.
    asked = [name for name in given[:1] if name in COMMANDS]
    return run(parser(asked or COMMANDS).parse_args(given))


def entry() -> None:
    """Run as the command ``tandem``."""
    sys.exit(main())
