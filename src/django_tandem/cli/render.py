"""Write the files of one target, or only compare them."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from django_tandem import environment, output, pipeline
from django_tandem.cli import console
from django_tandem.cli.argument_types import one_of
from django_tandem.cli.planning import add_role_argument, given_overrides, plan_project
from django_tandem.cli.run_dirs import find_run_dir
from django_tandem.errors import MachineError, RefusedError, TandemError
from django_tandem.model import EVERY_ROLE, File, Overrides, Plan
from django_tandem.model.roles import listed_roles
from django_tandem.model.state import State
from django_tandem.render import STACK_TARGETS, Target
from django_tandem.render.targets import TARGETS
from django_tandem.runtime import accounts, lock, run_dir
from django_tandem.runtime.state import read_state


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    targets = ", ".join(f"{target.name} ({target.summary})" for target in TARGETS)
    names = [target.name for target in TARGETS]
    parser.add_argument("target", type=one_of(names), metavar="TARGET", help=targets)
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="the directory to write to, instead of RUN_DIR"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when the files differ"
    )
    add_role_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Write the target's files, or print how they differ."""
    target = next(target for target in TARGETS if target.name == options.target)
    is_of_stack = target in STACK_TARGETS
    output_dir = options.output and options.output.resolve()
    # The files of a running stack are those of its generation, started with its own --bind.
    may_run = not target.is_in_project and not options.output
    live = _live_state(options) if options.check and may_run else None
    plan = plan_project(
        options,
        overrides=live.overrides if live else _overrides(options, target),
        generation=live.generation if live else 1,
        # Another target names the run directory, and its files do not run in their own.
        output=output_dir if is_of_stack else None,
        # The others are for hosts that have the secret, which none of these files has.
        requires_trust=is_of_stack,
    ).plan
    directory = output_dir or _directory(plan, target)
    files = pipeline.render(plan, [target])
    if not files:
        raise RefusedError(
            f'The roles "{listed_roles(plan.roles)}" have no files of the target {target.name}.',
            hint="Render it for other roles, or for all.",
        )
    if options.check:
        return _compare(files, directory)
    if is_of_stack:
        _refuse_running(directory, is_output=output_dir is not None)
    if target.is_in_project:
        _refuse_others(files, directory)
    else:
        _prepare(directory, is_output=output_dir is not None, is_of_stack=is_of_stack)
    written = pipeline.write(files, directory)
    _report(files, written, directory)
    for note in target.notes(plan):
        console.line_err(note)
    return 0


def _refuse_running(directory: Path, *, is_output: bool) -> None:
    """Raise a TandemError for another user's run directory, and for that of a running stack."""
    if not is_output:
        run_dir.refuse_foreign(directory)
    if lock.holder(directory) is not None:
        raise RefusedError(
            f"A stack is running in {directory}, with the files of that directory.",
            hint="Replace them with `tandem reload`, or name another directory with `--output`.",
        )


def _overrides(options: argparse.Namespace, target: Target) -> Overrides:
    """Return those of the environment; raises TandemError for `--role` where all have files."""
    if not target.has_every_role:
        return given_overrides(options)
    if options.role not in (None, EVERY_ROLE):
        raise TandemError(
            f"The files of {target.name} cover all roles, and `--role` is "
            f'"{listed_roles(options.role)}".',
            hint="Leave it out: each container has one role.",
        )
    return replace(given_overrides(options), roles=EVERY_ROLE)


def _report(files: Sequence[File], written: Sequence[str], directory: Path) -> None:
    for file in files:
        is_written = file.name in written
        console.line_err(
            f"Wrote {directory / file.name}." if is_written else _untouched(file, directory)
        )
    if any(output.differs_where_kept(file, directory) for file in files):
        console.line_err("To compare the kept files, render to an empty directory by `--output`.")


def _untouched(file: File, directory: Path) -> str:
    path = directory / file.name
    if output.differs_where_kept(file, directory):
        return f"Kept {path}, which differs from what the settings render now."
    return f"Kept {path}." if file.is_kept else f"{path} is up to date."


def _compare(files: Sequence[File], directory: Path) -> int:
    # Named as in version control, and not by the long path of a machine in CI.
    here = directory.is_relative_to(Path.cwd())
    found = output.diff(files, directory.relative_to(Path.cwd()) if here else directory)
    if found:
        console.line_out(found.rstrip("\n"))
    return 1 if found else 0


def _directory(plan: Plan, target: Target) -> Path:
    """Return where the files belong without --output."""
    if not target.is_in_project:
        return Path(plan.run_dir)
    packaging = plan.project.packaging
    return Path(packaging.root if packaging else plan.project.directory)


def _refuse_others(files: Sequence[File], directory: Path) -> None:
    """Raise MachineError for a file that was written by hand."""
    for file in files:
        path = directory / file.name
        if path.exists() and not run_dir.is_rendered(path):
            raise MachineError(
                f"{path} was not rendered by tandem.",
                hint="Move it, or name another directory with `--output`.",
            )


def _prepare(directory: Path, *, is_output: bool, is_of_stack: bool) -> None:
    if not is_output:
        run_dir.prepare(directory)
        return
    hint = "Name another directory with `--output`."
    if directory.is_file():
        raise MachineError(f"{directory} is a file.", hint=hint)
    if not is_of_stack:
        # They may lie among other files, such as those of the deployment.
        _require_writable(directory)
        return
    try:
        run_dir.prepare(directory, is_committed=True)
    except MachineError as error:
        raise MachineError(error.message, hint=hint) from error


def _require_writable(directory: Path) -> None:
    existing = next(each for each in (directory, *directory.parents) if each.exists())
    if os.access(existing, os.W_OK | os.X_OK):
        return
    user = accounts.own().name
    reason = f"user {user} can't write to {existing}"
    by_root = (
        "Root's command runs as that user. " if environment.STARTED_BY_ROOT in os.environ else ""
    )
    raise MachineError(
        f"{directory} can't be {'written to' if directory.exists() else 'made'}: {reason}.",
        hint=f"{by_root}Name a directory of {user} with `--output`.",
    )


def _live_state(options: argparse.Namespace) -> State | None:
    directory = find_run_dir(options)
    return None if lock.holder(directory) is None else read_state(directory)
