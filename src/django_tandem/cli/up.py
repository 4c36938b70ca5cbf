"""Start everything: checks, files, servers, workers and the edge."""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from django.conf import settings as django_settings

from django_tandem.cli import console
from django_tandem.cli.argument_types import log_format, timeout
from django_tandem.cli.planning import (
    Planned,
    add_role_argument,
    given_roles,
    plan_project,
    report_plan,
    write_notes,
)
from django_tandem.cli.run_dirs import env_file_of, given_run_dir
from django_tandem.cli.start_notes import unread_variables
from django_tandem.cli.user import require_own
from django_tandem.environment import ENV_FILE, STARTED_BY_ROOT
from django_tandem.errors import ProjectError, RefusedError, SettingError, TandemError
from django_tandem.inprocess.startup_failures import own_traceback
from django_tandem.model import LogFormat, Overrides, Plan
from django_tandem.model.roles import listed_roles
from django_tandem.project.location import find
from django_tandem.project.releases import find_link
from django_tandem.runtime import (
    blocks,
    early_signals,
    mirrored,
    preflight,
    privileges,
    shifts,
    start,
    unsupervised_start,
)
from django_tandem.runtime.health_gate import START_DEADLINE_S
from django_tandem.runtime.waiting import Report, report_as
from django_tandem.runtime.watch import wait_for_change
from django_tandem.settings import Settings, has_direct_gateway, read_stop_s


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--detach", action="store_true", help="return as soon as it is ready")
    add_plan_arguments(parser)
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=timeout,
        default=START_DEADLINE_S,
        help="how long the stack may take to become healthy before it is stopped (120)",
    )
    parser.add_argument(
        "--watch", action="store_true", help="reload when code, templates or settings change"
    )
    parser.add_argument(
        "--debug",
        action="store_true",
        help="let breakpoint() open pdb here: one worker per stack, and no timeouts",
    )


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that replace settings, and so change the plan."""
    parser.add_argument("--bind", metavar="HOST:PORT", help="listen here instead of TANDEM's BIND")
    parser.add_argument(
        "--run-dir",
        metavar="DIR",
        help="run in this directory instead of TANDEM's RUN_DIR; other commands need it too",
    )
    parser.add_argument(
        "--temp-dir",
        metavar="DIR",
        help="keep large bodies for slow clients there instead of in TANDEM's TEMP_DIR",
    )
    parser.add_argument(
        "--user", metavar="USER[:GROUP]", help="run as this user instead of TANDEM's USER"
    )
    parser.add_argument(
        "--log-format",
        type=log_format,
        metavar="FORMAT",
        help="log text or json, instead of TANDEM's LOG_FORMAT",
    )
    parser.add_argument(
        "--asgi", action="store_true", help="start an ASGI server even if nothing needs one"
    )
    add_role_argument(parser)


def overrides_of(options: argparse.Namespace) -> Overrides:
    """Return the settings that the command line and the environment replace."""
    return Overrides(
        bind=options.bind,
        run_dir=given_run_dir(options),
        temp_dir=str(Path(options.temp_dir).absolute()) if options.temp_dir else None,
        env_file=env_file_of(options),
        asgi=options.asgi,
        debug=getattr(options, "debug", False),
        user=options.user,
        stop_s=read_stop_s(os.environ),
        log_format=options.log_format,
        roles=given_roles(options),
        is_direct=has_direct_gateway(os.environ),
    )


def run(options: argparse.Namespace) -> int:
    """Start the stack; in the foreground this process becomes supervisord."""
    _refuse_combinations(options)
    early_signals.drop_reopen_signals()
    environment = dict(os.environ)
    by_root = environment.pop(STARTED_BY_ROOT, None) is not None
    planned, report, notes = _plan(options)
    plan, directory = planned.plan, Path(planned.plan.run_dir)
    _refuse_unsupervised(plan, options)
    for note in _machine_notes(plan, planned.loaded.settings):
        report(note)
    if by_root and not preflight.needs_port_binding(plan):
        privileges.give_up_port_binding()
    os.chdir(plan.project.directory)
    handle = start.prepare(plan, planned.loaded.settings)
    # Not before: another stack may run in this directory.
    for note in (*blocks.renew(plan), *shifts.renew(plan)):
        report(note)
    mirrored.end_abandoned(directory)
    write_notes(directory, notes)
    _restore_environment(environment, plan)
    if not plan.is_supervised:
        unsupervised_start.become(plan, handle)
    if not options.detach:
        watched = (options.settings or "", *_unwatched_directories()) if options.watch else None
        start.in_foreground(directory, handle, options.timeout, watched)
    return 0 if start.detached(plan, directory, handle, options.timeout) else 1


def _refuse_combinations(options: argparse.Namespace) -> None:
    if options.detach and (options.watch or options.debug):
        name = "--watch" if options.watch else "--debug"
        raise TandemError(
            f"`{name}` and `--detach` exclude each other: {name} needs the terminal.",
            hint="Leave one out; `tandem reload` reloads a detached stack.",
        )


def _refuse_unsupervised(plan: Plan, options: argparse.Namespace) -> None:
    if plan.is_supervised or not (options.detach or options.watch):
        return
    name = "--watch" if options.watch else "--detach"
    raise TandemError(
        f"`{name}` needs supervisord, and the role {listed_roles(plan.roles)} is one process here.",
        hint="Leave it out, or add another role.",
    )


def _plan(options: argparse.Namespace) -> tuple[Planned, Report, list[str]]:
    """
    Make the plan, and report its notes; return it with the way to report, and the notes.

    With --watch an error of the project is printed, and the command starts over after a change.
    """
    began_at = time.time()
    try:
        planned = plan_project(options, overrides=overrides_of(options))
        require_own(planned.loaded.settings, is_override=options.user is not None)
        # Detached, a person reads them, and no collector.
        report = report_as(LogFormat.TEXT if options.detach else planned.plan.log_format)
        notes = report_plan(planned, report=report)
    except (ProjectError, SettingError, RefusedError) as error:
        if not options.watch:
            raise
        _try_again_after_a_change(error, find(options.settings).directory, began_at)
    return planned, report, notes


def _restore_environment(environment: Mapping[str, str], plan: Plan) -> None:
    """Drop variables that the settings set, as from a .env file: they would outlive reloads."""
    os.environ.clear()
    os.environ.update(environment)
    if plan.overrides.env_file:
        # For the reloads of --watch.
        os.environ[ENV_FILE] = plan.overrides.env_file


def _try_again_after_a_change(error: TandemError, directory: Path, began_at: float) -> NoReturn:
    """Print what is wrong with the project, and start over once a file of it has changed."""
    if error.__cause__ is not None and (own := own_traceback(error.__cause__, directory)):
        console.line_err(own)
    console.line_err(str(error))
    console.line_err(f"Watching {directory}: the next change starts the stack.")
    wait_for_change(directory, since=began_at)
    start.replace_process(sys.argv[1:])


def _machine_notes(plan: Plan, settings: Settings) -> list[str]:
    """Return what is unusual about this machine, a sentence each."""
    found = unread_variables(os.environ)
    if plan.run_dir != os.path.normpath(Path(plan.project.directory, settings.run_dir)):
        link = find_link(Path(plan.project.directory))
        reason = (
            "the usual path is too long for sockets"
            if link is None or Path(plan.run_dir).parent != link.parent
            else f"all releases that {link} leads to share it"
        )
        found.append(f"The run directory is {plan.run_dir}: {reason}.")
    return found


def _unwatched_directories() -> tuple[str, ...]:
    """Return the directories of collected, uploaded and installed files."""
    roots = (django_settings.STATIC_ROOT, django_settings.MEDIA_ROOT, sys.prefix)
    return tuple(str(Path(root).resolve()) for root in roots if root)
