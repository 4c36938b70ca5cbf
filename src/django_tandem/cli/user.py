"""
The user that a command of root's runs as: it becomes that user before the project is imported.

The import runs code of the project, so that root must not do it. A stack that runs is acted on
as its own user; otherwise the command line, TANDEM["USER"] or the owner of the project decides.
"""

import argparse
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django_tandem import environment
from django_tandem.cli import console
from django_tandem.cli.run_dirs import (
    DEFAULT_RUN_DIR,
    env_file_of,
    given_run_dir,
    locate,
    project_directory,
    redis_offered,
)
from django_tandem.errors import MachineError, ProjectError
from django_tandem.project.location import (
    find_manage_py,
    load_settings,
    settings_named_in,
)
from django_tandem.runtime import accounts, ownership, privileges, run_dir
from django_tandem.runtime.accounts import Account
from django_tandem.runtime.writable import Writable, code_of, find_writable
from django_tandem.settings import Settings

FLAG = "`--user`"
SETTING = 'TANDEM["USER"]'
# They look whether the addresses are free, which for ports below 1024 takes the right to listen.
LISTENING = ("up", "check")
# They import the project, also with a directory that is given.
IMPORTING = ("up", "check", "reload", "block", "shift")
# They act on what runs, or ran, in the run directory.
ACTING = ("status", "logs", "down", "reload", "block", "unblock", "shift")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The user that a command is to run as, the reason, and RUN_DIR as far as root heeds it."""

    account: Account
    reason: str
    run_dir: str = DEFAULT_RUN_DIR


def leave_root(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """
    Become the user that the command of ``options`` is to run as; return if that is root.

    The command line ``arguments`` is then executed again. Raises MachineError for a user that
    does not exist, or can't read the project.
    """
    chosen = _choose(options)
    if options.tandem_command == "up":
        _prepare(chosen)
    elif options.tandem_command == "check" and ownership.is_passed_on(
        chosen.account, _run_dir_of(chosen)
    ):
        os.environ[environment.GETS_RUN_DIR] = "1"
    if chosen.account.is_root:
        return
    if options.tandem_command == "up":
        console.line_err(
            f"Started by root: everything runs as {chosen.account.name}, {chosen.reason}."
        )
    project = find_manage_py(Path.cwd()) or Path.cwd()
    privileges.become(
        chosen.account,
        arguments,
        needed=(project,),
        keeps_port_binding=options.tandem_command in LISTENING,
    )


def require_own(settings: Settings, *, is_override: bool) -> None:
    """Raise MachineError when a start by this user contradicts TANDEM["USER"]."""
    if settings.user is None:
        return
    option = FLAG if is_override else SETTING
    wanted, here = accounts.find(settings.user, option), accounts.own()
    has_other_group = ":" in settings.user and wanted.gid != here.gid
    if wanted.uid == here.uid and not has_other_group:
        return
    with_group = f" with the group {here.gid}" if wanted.uid == here.uid else ""
    others = "" if is_override else f", or give `--user {here.name}`"
    raise MachineError(
        f'{option} is "{settings.user}", and tandem was started by {here.name}{with_group}.',
        hint=f"Start it as that user or as root{others}.",
    )


def require_same(settings: Settings) -> None:
    """Raise MachineError when a reload would have to change the user of the stack."""
    if settings.user is None:
        return
    here = accounts.own()
    if accounts.find(settings.user, SETTING).uid != here.uid:
        raise MachineError(
            f'{SETTING} is "{settings.user}", and the stack runs as {here.name}.',
            hint="Stop it with `tandem down`, and start it with `tandem up`: "
            "a reload can't change the user.",
        )


def _prepare(chosen: Chosen) -> None:
    """Have the run directory belong to the user, where that takes root."""
    project, where = project_directory(), _run_dir_of(chosen)
    owner = ownership.owner_of(where)
    moved_to = ownership.set_aside(chosen.account, where)
    if owner is not None and moved_to is not None:
        name = accounts.of_uid(owner).name
        console.line_err(f"The run directory of {name} is now {moved_to}, with its logs.")
    if chosen.account.is_root:
        return
    if _is_roots(project):
        ownership.make_for(chosen.account, where)
    ownership.pass_on(chosen.account, where)


def _run_dir_of(chosen: Chosen) -> Path:
    return run_dir.locate(str(project_directory()), chosen.run_dir, chosen.account.uid)


def _is_roots(project: Path) -> bool:
    return project.stat().st_uid == 0


def _choose(options: argparse.Namespace) -> Chosen:
    project = project_directory()
    default = run_dir.locate(str(project), DEFAULT_RUN_DIR)
    given = given_run_dir(options)
    if given is not None and options.tandem_command not in IMPORTING:
        return _of_stack(ownership.owner_of(Path(given)) or 0)
    if given is None and options.tandem_command != "up":
        running = ownership.owner_of_running(default)
        if running is not None:
            return _of_stack(running)
    return _chosen_for(project, options)


def _of_stack(uid: int) -> Chosen:
    return Chosen(account=accounts.of_uid(uid), reason="the owner of the run directory")


def _chosen_for(project: Path, options: argparse.Namespace) -> Chosen:
    """Return the user by the command line, the settings or the owner of ``project``."""
    flag = getattr(options, "user", None)
    writable = _find_writable(project, options)
    if writable is not None and writable.owner is None and not flag:
        raise _shared(project, writable, options.tandem_command)
    owned = project if writable is None else writable.path
    owner = accounts.of_uid((writable and writable.owner) or 0)
    reader = accounts.find(flag, FLAG) if flag else owner
    read = _read_as(reader, options)
    # Another owner's setting might name any directory, such as that of a stack of root's.
    where = read.get("run_dir", DEFAULT_RUN_DIR) if writable is None else DEFAULT_RUN_DIR
    given = given_run_dir(options)
    if given is not None:
        where = given
    if flag:
        return Chosen(account=reader, reason=f"set by {FLAG}", run_dir=where)
    if options.tandem_command != "up":
        directory = run_dir.locate(str(project), where)
        running = ownership.owner_of_running(directory)
        if running is None and owner.is_root and options.tandem_command in ACTING:
            running = ownership.owner_of_private(directory)
        # A stack of root's in the directory that is given does not make this code root's.
        is_roots_alone = given is not None and running == 0 and not owner.is_root
        if running is not None and not is_roots_alone:
            return _of_stack(running)
    if user := read.get("user"):
        named = accounts.find(user, SETTING)
        _refuse_a_choice_for_others(user, named, owner, owned)
        return Chosen(account=named, reason=f"set by {SETTING}", run_dir=where)
    return Chosen(account=owner, reason=f"the owner of {owned}", run_dir=where)


def _find_writable(project: Path, options: argparse.Namespace) -> Writable | None:
    """Return what keeps root from importing ``project`` as root; None if it is root's alone."""
    owner = project.stat().st_uid
    if owner != 0:
        return Writable(path=project, owner=owner, by="its owner")
    manage_py = find_manage_py(Path.cwd())
    # Before root parses it.
    if found := find_writable(each for each in (manage_py, project) if each):
        return found
    module = options.settings or os.environ.get(environment.SETTINGS_MODULE)
    if module is None and manage_py is not None:
        module = settings_named_in(manage_py)
    return find_writable(code_of(project, module))


def _shared(project: Path, found: Writable, command: str) -> MachineError:
    other = (
        "name the user who is to run the project with `tandem up --user NAME`"
        if command == "up"
        else f"run the command as the user of the project, such as `sudo -u NAME tandem {command}`"
    )
    # The error names the first: of a project that was unpacked with another umask, each is.
    listing = f"find {shlex.quote(str(project))} ! -type l -perm /022"
    return MachineError(
        f"root does not import the project in {project}: {found.path} is writable for {found.by}.",
        hint="Make it writable for root alone, as well as any other code that "
        f"`{listing}` lists, or {other}.",
    )


def _read_as(reader: Account, options: argparse.Namespace) -> dict[str, str]:
    """Return what ``reader`` reads of the settings, whose code may return any value."""
    try:
        read = privileges.call_as(reader, lambda: _read(options))
    except TimeoutError as error:
        raise MachineError(
            f"The settings were not imported within {privileges.CALL_TIMEOUT_S} s by user "
            f"{reader.name}.",
            hint="Look for a connection or a lock that their import waits for.",
        ) from error
    given = read.items() if isinstance(read, dict) else ()
    return {name: text for name, text in given if isinstance(text, str) and text.isprintable()}


def _read(options: argparse.Namespace) -> dict[str, Any]:
    location = locate(options.settings, env_file_of(options))
    try:
        settings = load_settings(location)
    except ProjectError:
        # They may need REDIS_URL; to find out whether they do takes longer than most imports.
        with redis_offered(location):
            settings = load_settings(location)
    return {"user": settings.user, "run_dir": settings.run_dir}


def _refuse_a_choice_for_others(text: str, named: Account, owner: Account, owned: Path) -> None:
    """Raise MachineError for a setting that would give its owner the rights of another."""
    is_own = named.uid == owner.uid and named.gid in owner.groups
    if owner.is_root or is_own:
        return
    raise MachineError(
        f'{SETTING} is "{text}", and {owned} belongs to {owner.name}, who may not choose that.',
        hint=f"Confirm it as root with `tandem up --user {text}`, or give it to root.",
    )
