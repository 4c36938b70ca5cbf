"""Plan → a new generation in the place of the one that serves, or a refusal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django_tandem import servers
from django_tandem.errors import RefusedError
from django_tandem.model import Plan, Process, Stack
from django_tandem.render import TARGETS
from django_tandem.render.state import State, state_of
from django_tandem.runtime import commit, lock, preflight, supervisord
from django_tandem.runtime.announce import obituary
from django_tandem.runtime.generations import to_end
from django_tandem.runtime.readiness import Dead, prove
from django_tandem.runtime.state import read_state
from django_tandem.served import loading
from django_tandem.settings import Settings

# What a candidate gets to end in: it has served nobody.
REFUSED_S = 3

Say = Callable[[str], None]


@contextmanager
def reloading(run_dir: Path) -> Iterator[State]:
    """
    Hold the right to reload the stack in ``run_dir``, and yield what serves there.

    Raises RefusedError when nothing runs, or another reload is on its way.
    """
    state = read_state(run_dir)
    if lock.holder(run_dir) is None or state is None:
        raise RefusedError(f"Nothing runs in {run_dir}.", hint="Start it with `tandem up`.")
    handle = lock.try_to_take(run_dir, lock.RELOAD)
    if handle is None:
        pid = lock.holder(run_dir, lock.RELOAD)
        raise RefusedError(
            f"A reload is on its way in {run_dir} already, with pid {pid}.",
            hint="Wait for it to end, or end it with Ctrl-C: what serves goes on serving.",
        )
    try:
        yield state
    finally:
        lock.release(handle)


def replace(plan: Plan, settings: Settings, *, deadline_s: float, say: Say) -> None:
    """
    Start the generation of ``plan``, have it prove itself, and move all new connections to it.

    Raises RefusedError or MachineError when it does not come up within ``deadline_s``; then it
    has never been asked by anybody else, and is gone.
    """
    directory = Path(plan.run_dir)
    _require(plan, settings)
    files = [file for target in TARGETS for file in target.render(plan)]
    running = [each.name for each in supervisord.statuses(directory)]
    started = [each for each in plan.processes if each.program not in running and not each.alone]
    try:
        commit.propose(files, _read_by_edge(plan), directory)
        if (directory / commit.candidate(commit.EDGE_FILE)).exists():
            preflight.refuse_bad_edge(plan, directory, commit.candidate(commit.EDGE_FILE))
        # One after the other: what serves still needs the processors. Workers on a channel come
        # last, for they begin to work as soon as they are there.
        for process in sorted(started, key=lambda process: not process.socket):
            _prove(process, plan, directory, deadline_s=deadline_s, say=say)
        commit.commit(directory)
    except BaseException:
        # Ctrl-C may have come right after the commit: then there is nothing to undo.
        if commit.is_proposed(directory):
            _end([each.program for each in started], directory)
            commit.withdraw(directory)
        raise
    commit.finish(directory)
    say(f"Generation {plan.generation} serves.")


def wait_until_drained(run_dir: Path) -> None:
    """Return when nothing runs any more but the generation that serves."""
    while True:
        state = read_state(run_dir)
        running = [each.name for each in supervisord.statuses(run_dir)]
        if state is None or not to_end(state, running, is_reloading=False):
            return
        time.sleep(supervisord.POLL_S)


def _require(plan: Plan, settings: Settings) -> None:
    for stack in plan.edge.stacks:
        chosen = settings.wsgi if stack is Stack.WSGI else settings.asgi
        preflight.require_installed(servers.find(stack, chosen.server))
    preflight.require_readable(settings, plan.project.directory)
    for name, argv in settings.programs:
        preflight.require_program(name, argv[0], plan.project.directory)


def _read_by_edge(plan: Plan) -> list[Path]:
    tls = plan.edge.tls
    named = (plan.edge.include, tls and tls.certificate, tls and tls.key)
    return [Path(plan.project.directory, path) for path in named if path]


def _prove(process: Process, plan: Plan, directory: Path, *, deadline_s: float, say: Say) -> None:
    program = process.program
    say(f"Starting {program}: {process.role}.")
    # One that was refused before may have had this name.
    (directory / f"{program}.log").unlink(missing_ok=True)
    loading.forget(directory, program)
    supervisord.start(directory, [program])
    for news in prove([process], state_of(plan), directory, deadline_s=deadline_s):
        if isinstance(news, Dead):
            raise RefusedError(
                f"Generation {plan.generation} is refused, and the one before it serves on.",
                hint=obituary(news, directory),
            )
        say(f"{news.process.program}: {news.because}")


def _end(programs: list[str], directory: Path) -> None:
    for program in programs:
        supervisord.wait_for_end(directory, program, REFUSED_S)
