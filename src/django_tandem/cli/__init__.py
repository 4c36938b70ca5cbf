"""The command line: one module per subcommand, named in COMMANDS."""

import argparse
import atexit
import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from django_tandem import __version__, garbage, priority
from django_tandem.cli import console
from django_tandem.errors import MachineError, TandemError, did_you_mean
from django_tandem.runtime import early_signals

# The exit code of a program that Ctrl-C ended, as shells have it.
INTERRUPTED = 130
STDOUT, STDERR = 1, 2
# What a write to a full file system raises, or one over the user's quota.
FULL = (errno.ENOSPC, errno.EDQUOT)

# One module each, in the order of their first use.
COMMANDS: tuple[str, ...] = (
    "plan",
    "explain",
    "up",
    "status",
    "top",
    "dashboard",
    "logs",
    "reload",
    "block",
    "unblock",
    "shift",
    "down",
    "render",
    "advise",
    "bench",
    "check",
)

# They load the project while a generation serves.
YIELDING = ("reload",)


class UsageError(TandemError):
    """The command line has an unknown command or option, or a wrong value."""


class Parser(argparse.ArgumentParser):
    """A parser that raises its errors, for a sentence and a hint instead of the usage."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        text = message.removeprefix("argument ")
        sentence = f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?')) else '.'}"
        raise UsageError(sentence, hint=f"`{self.prog} --help` lists its arguments.")


def parser(names: Sequence[str] = COMMANDS, *, prog: str = "tandem") -> argparse.ArgumentParser:
    """Return the parser of the command line, with the subcommands of ``names``."""
    top = Parser(
        prog=prog,
        description="Run a Django project on WSGI and ASGI at once.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"django-tandem {__version__}")
    _add_settings(top, default=None)
    add_commands(top, names)
    return top


def add_commands(top: argparse.ArgumentParser, names: Sequence[str] = COMMANDS) -> None:
    """Add the subcommands of ``names`` to ``top``, which has the option --settings."""
    common = Parser(add_help=False)
    # Without a default, so that one given before the subcommand stays.
    _add_settings(common, default=argparse.SUPPRESS)
    commands = top.add_subparsers(
        dest="tandem_command", required=True, metavar="COMMAND", parser_class=Parser
    )
    for name in names:
        module = import_module(f"{__name__}.{name}")
        summary = (module.__doc__ or "").strip().splitlines()[0]
        each = commands.add_parser(
            name, parents=[common], help=summary, description=summary, allow_abbrev=False
        )
        module.add_arguments(each)
        each.set_defaults(tandem_run=module.run, tandem_parser=each)


def run(options: argparse.Namespace) -> int:
    """Run the parsed subcommand, and print an error as a sentence and a hint."""
    try:
        code: int = options.tandem_run(options)
        console.flush()
    except TandemError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has closed the pipe, as `head` does.
        console.discard_output()
        return 0
    except OSError as error:
        if isinstance(error, PermissionError) and isinstance(error.filename, str | bytes):
            return _fail(_inaccessible(error))
        if error.errno not in FULL:
            raise
        where = error.filename or "stdout, or of the run directory,"
        return _fail(
            MachineError(
                f"The file system of {where} is full: {error.strerror}.",
                hint="Make room and try again.",
            )
        )
    return code


def _inaccessible(error: PermissionError) -> MachineError:
    """Return the error of a path that was given or is in the settings, or lies below such a one."""
    return MachineError(
        f"{os.fsdecode(error.filename)} can't be accessed: {error.strerror}.",
        hint="Run the command as a user who may access it, or name another path.",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` and return its exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    garbage.collect_rarely()
    open_standard_streams()
    early_signals.end_first_process()
    try:
        options = _parse(given)
        if os.geteuid() == 0:
            # Imported by root alone, whose commands it costs some milliseconds.
            leave_root = import_module(f"{__name__}.user").leave_root
            leave_root(options, given)
        return run(options)
    except TandemError as error:
        return _fail(error)


def open_standard_streams() -> None:
    """Open stdin, stdout and stderr where closed: a file opened later would get that number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(STDOUT, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(STDERR, "w", closefd=False)


def entry() -> None:
    """Run as the command ``tandem``."""
    if sys.argv[1:2] and sys.argv[1] in YIELDING:
        priority.yield_cpus()
    exit_process(main())


def exit_process(code: int) -> NoReturn:
    """
    Exit once the exit functions of the project have run, even if a thread of it never ends.

    sys.exit() would wait for such a thread, and destroy each object of the project: a twentieth of
    the CPU time of `tandem reload`. A file that was left open keeps what it buffers.
    """
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError, TandemError):
        console.flush()
    os._exit(code)


def refuse_unknown_command(given: Sequence[str]) -> None:
    """Raise UsageError when the command line ``given`` begins with an unknown command."""
    word = given[0] if given else ""
    if word and not word.startswith("-") and word not in COMMANDS:
        raise UsageError(
            f'"{word}" is not a command of tandem.',
            hint=_suggestion(word, COMMANDS, "The commands are"),
        )


def _parse(given: list[str]) -> argparse.Namespace:
    if not given:
        raise UsageError("A command is missing.", hint=f"The commands are {', '.join(COMMANDS)}.")
    refuse_unknown_command(given)
    named = given[:1]
    # Importing all of the commands takes most of the time of a short one.
    wanted = [name for name in named if name in COMMANDS] or COMMANDS
    options, unknown = parser(wanted).parse_known_args(given)
    if unknown:
        raise _unknown(unknown[0], options)
    return options


def _unknown(word: str, options: argparse.Namespace) -> UsageError:
    command = f"`tandem {options.tandem_command}`"
    if not word.startswith("-"):
        return UsageError(
            f'"{word}" is one argument too many for {command}.',
            hint=f"{command[:-1]} --help` lists its arguments.",
        )
    flags = [flag for action in options.tandem_parser._actions for flag in action.option_strings]
    name = word.partition("=")[0]
    hint = _suggestion(name, [flag for flag in flags if flag.startswith("--")], "Its options are")
    return UsageError(f'"{name}" is not an option of {command}.', hint=hint)


def _suggestion(word: str, known: Sequence[str], label: str) -> str:
    listed = f"{label} {', '.join(known)}."
    suggested = did_you_mean(word, known, otherwise="")
    return f"{suggested} {listed}" if suggested else listed


def _add_settings(top: argparse.ArgumentParser, *, default: str | None) -> None:
    top.add_argument(
        "--settings", default=default, help="the settings module, such as config.settings"
    )
    top.add_argument(
        "--env-file",
        metavar="FILE",
        action="append",
        default=default,
        help="read environment variables from this file instead of TANDEM's ENV_FILE; may be given "
        "more than once",
    )


def _fail(error: TandemError) -> int:
    print(error, file=sys.stderr)  # noqa: T201
    return error.exit_code
