"""Replace the running generation with the current project, without losing a request."""

import argparse
import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from traceback import TracebackException

from django_tandem.cli import console
from django_tandem.cli.argument_types import timeout
from django_tandem.cli.planning import plan_project, read_notes, report_plan, write_notes
from django_tandem.cli.run_dirs import (
    add_other_run_dir_argument,
    env_file_of,
    find_foreign_run_dir,
    find_run_dir,
    given_run_dir,
    project_directory,
)
from django_tandem.cli.user import require_same
from django_tandem.environment import STARTED_BY_ROOT
from django_tandem.errors import EXIT_FAILED, MachineError, ProjectError, RefusedError, TandemError
from django_tandem.inprocess.startup_failures import own_traceback
from django_tandem.model import DrainMode
from django_tandem.project import releases
from django_tandem.project.location import find
from django_tandem.runtime import host, reload, start, supervisord
from django_tandem.runtime.reconcile import next_generation
from django_tandem.runtime.reload_requests import ReloadRequest, request_reload
from django_tandem.runtime.run_dir import refuse_foreign
from django_tandem.runtime.writable import find_writable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_other_run_dir_argument(parser)
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=timeout,
        default=120,
        help="how long the new generation may take to answer (120)",
    )
    parser.add_argument(
        "--wait",
        action="store_true",
        help="wait for a reload in progress first, and then until the old generation has stopped",
    )
    parser.add_argument(
        "--drain",
        metavar="SECONDS|MODE",
        action=_Drain,
        help="how long the old generation may drain, instead of TANDEM's DRAIN_S, or how its "
        "WebSockets and streams end, spread or wait, instead of DRAIN; may be given twice",
    )
    parser.set_defaults(drain_mode=None)
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show the whole traceback when the project can't be imported",
    )
    parser.add_argument(
        "--terse",
        action="store_true",
        help="print only notes that are new, and of a traceback the project's own lines",
    )


def run(options: argparse.Namespace) -> int:
    """Reload the stack; 1 when the new generation is refused and the old one keeps serving."""
    _enter_release(options)
    try:
        foreign = find_foreign_run_dir(options)
        if foreign is not None:
            return _request(foreign, options)
        _reload(options)
    except KeyboardInterrupt:
        console.line_err("Interrupted: `tandem status` shows which generation is live.")
        raise
    except ProjectError as error:
        if error.__cause__ is None:
            raise
        _show(error.__cause__, options)
        # The hint names a command that prints the traceback.
        raise ProjectError(error.message, hint="" if options.traceback else error.hint) from error
    return 0


def _enter_release(options: argparse.Namespace) -> None:
    """Start over by the release's own interpreter, in the directory that the shell shows."""
    before = Path.cwd()
    directory = releases.live_directory(before, os.environ.get("PWD", ""))
    os.chdir(directory)
    python = releases.own_python(project_directory(), Path(host.own_python()))
    if python is not None and os.geteuid() == 0 and find_writable([python]):
        # Root runs no program that another user may write.
        python = None
    if directory == before and python is None:
        return
    program = str(python or sys.executable)
    console.line_err(f"Reloading the release in {project_directory().resolve()}, with {program}.")
    start.replace_process(_arguments(options), python=program)


def _arguments(options: argparse.Namespace) -> list[str]:
    given = {"--settings": options.settings, "--run-dir": given_run_dir(options)}
    named = [text for name, value in given.items() if value for text in (name, value)]
    files = [text for file in options.env_file or () for text in ("--env-file", file)]
    return ["reload", *named, *files, *_as_request(options).arguments]


def _as_request(options: argparse.Namespace) -> ReloadRequest:
    return ReloadRequest(
        timeout_s=math.ceil(options.timeout),
        is_waiting=options.wait,
        drain_s=options.drain,
        drain_mode=options.drain_mode and options.drain_mode.value,
        is_terse=options.terse,
        has_traceback=options.traceback,
    )


def _request(run_dir: Path, options: argparse.Namespace) -> int:
    """Have another user's stack reload itself; return the exit code of its reload."""
    _refuse_choice_of_code(run_dir, options)
    code = request_reload(run_dir, _as_request(options), console.line_err)
    if code is not None:
        return code
    try:
        refuse_foreign(run_dir)
    except MachineError as error:
        if STARTED_BY_ROOT in os.environ:
            raise
        hint = f'{error.hint}\nOr let a group of yours reload it, with TANDEM["RELOAD_GROUP"].'
        raise MachineError(error.message, hint=hint) from error
    return EXIT_FAILED


def _refuse_choice_of_code(run_dir: Path, options: argparse.Namespace) -> None:
    for option, value in (("--settings", options.settings), ("--env-file", options.env_file)):
        if value:
            raise TandemError(
                f"`{option}` is for the user of a stack, and that in {run_dir} is of another one.",
                hint="Leave it out: the stack is reloaded with its own settings and variables.",
            )


def _show(error: BaseException, options: argparse.Namespace) -> None:
    if options.traceback:
        console.line_err(full_traceback(error))
    elif options.terse and (own := own_traceback(error, find(options.settings).directory)):
        console.line_err(own)


def _reload(options: argparse.Namespace) -> None:
    run_dir = find_run_dir(options)
    patience_s = options.timeout if options.wait else 0
    with reload.locked(run_dir, console.line_err, patience_s=patience_s) as state:
        running = [each.name for each in supervisord.statuses(run_dir)]
        planned = plan_project(
            options,
            overrides=replace(
                state.overrides,
                env_file=env_file_of(options) or state.overrides.env_file,
                run_dir=given_run_dir(options) or state.overrides.run_dir,
            ),
            generation=next_generation(state, running),
        )
        plan = planned.plan
        require_same(planned.loaded.settings)
        if options.drain is not None and options.drain > state.longest_drain_s:
            raise RefusedError(
                f"Expected `--drain` of at most {state.longest_drain_s}, got {options.drain}: the "
                "running edge closes connections after that many seconds.",
                hint='Raise TANDEM["DRAIN_S"]: it takes effect with the reload after the next.',
            )
        # Only this plan: the settings also decide the edge's file.
        wanted_s = plan.drain_s if options.drain is None else options.drain
        drain_s = min(wanted_s, state.longest_drain_s)
        plan = replace(plan, drain_s=drain_s, drain=options.drain_mode)
        write_notes(run_dir, report_plan(planned, read_notes(run_dir) if options.terse else ()))
        os.chdir(plan.project.directory)
        reload.run(
            plan,
            planned.loaded.settings,
            state,
            deadline_s=options.timeout,
            report=console.line_err,
        )
    if options.wait:
        reload.wait_until_drained(run_dir)


class _Drain(argparse.Action):
    """Takes a number of seconds or a mode, and keeps both where both are given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Keep the value as ``drain`` or as ``drain_mode``."""
        text = str(values)
        if text.isdecimal():
            namespace.drain = int(text)
        elif text in tuple(DrainMode):
            namespace.drain_mode = DrainMode(text)
        else:
            expected = 'Expected a number of seconds, such as 5, "spread" or "wait"'
            raise argparse.ArgumentError(self, f'{expected}, got "{text}".')


def full_traceback(error: BaseException) -> str:
    """Return the traceback as Python prints it."""
    return "".join(TracebackException.from_exception(error).format()).rstrip()
