"""Plan → a new generation in the place of the one that serves, or a refusal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django_tandem import pipeline
from django_tandem.errors import MachineError, RefusedError
from django_tandem.inprocess import drain_window
from django_tandem.model import Plan
from django_tandem.render.state import State
from django_tandem.runtime import candidates, commit, lock, preflight, supervisord
from django_tandem.runtime.announce import LINES, obituary
from django_tandem.runtime.edge import EDGE, EDGE_FILE
from django_tandem.runtime.logs import last_lines
from django_tandem.runtime.proof import Proof
from django_tandem.runtime.readiness import Dead
from django_tandem.runtime.standing import look
from django_tandem.runtime.state import read_state
from django_tandem.runtime.supervisord import GoneError
from django_tandem.runtime.telling import Say
from django_tandem.runtime.waiting import POLL_S, Deadline
from django_tandem.settings import Settings

# The drainer may be at what a reload that was killed has left.
SETTLED_S = 2
# A program of the settings has no answer to give but that it stays up.
ALONE_S = 30


@contextmanager
def reloading(run_dir: Path, say: Say, *, patience_s: float) -> Iterator[State]:
    """
    Hold the right to reload the stack in ``run_dir``, and yield what serves there.

    Raises RefusedError when nothing runs, or another reload is on its way and does not end
    within ``patience_s``.
    """
    state = read_state(run_dir)
    if lock.holder(run_dir) is None or state is None:
        raise RefusedError(f"Nothing runs in {run_dir}.", hint="Start it with `tandem up`.")
    handle = _take_turn(run_dir, say, patience_s)
    try:
        with told_if_stopped():
            commit.settle(run_dir)
            yield read_state(run_dir) or state
    finally:
        lock.release(handle)


def _take_turn(run_dir: Path, say: Say, patience_s: float) -> int:
    handle = lock.try_to_take(run_dir, lock.RELOAD, within_s=SETTLED_S)
    if handle is None and patience_s > 0:
        say(f"Waiting for the reload with pid {lock.holder(run_dir, lock.RELOAD)} to end.")
        handle = lock.try_to_take(run_dir, lock.RELOAD, within_s=patience_s)
    if handle is None:
        pid = lock.holder(run_dir, lock.RELOAD)
        raise RefusedError(
            f"A reload is on its way in {run_dir} already, with pid {pid}.",
            hint="Reload with `--wait`, which waits for it, or end it with Ctrl-C: what serves "
            "goes on serving.",
        )
    return handle


def replace(plan: Plan, settings: Settings, before: State, *, deadline_s: float, say: Say) -> None:
    """
    Start the generation of ``plan``, have it prove itself, and move all new connections to it.

    ``before`` is what serves until then.

    Raises RefusedError or MachineError when it does not come up within ``deadline_s``; then it
    has never been asked by anybody else, and is gone.
    """
    directory = Path(plan.run_dir)
    preflight.require_all(plan, settings, had=before.binds)
    files = pipeline.render(plan)
    running = [each.name for each in supervisord.statuses(directory)]
    started = [
        each for each in plan.processes if each.program not in running and not each.exclusive
    ]
    # One that was killed may have drained under this number.
    drain_window.remove(directory, plan.generation)
    try:
        commit.propose(files, _read_by_edge(plan), directory)
        if (directory / commit.candidate(EDGE_FILE)).exists():
            preflight.refuse_bad_edge(plan, directory, commit.candidate(EDGE_FILE))
        candidates.prove(started, plan, Deadline(deadline_s), say)
        commit.commit(directory)
    except BaseException:
        # Ctrl-C may have come right after the commit: then there is nothing to undo.
        if commit.is_proposed(directory):
            candidates.end(started, directory)
            commit.withdraw(directory)
        raise
    if not commit.finish(directory):
        raise RefusedError(
            f"Generation {plan.generation} serves, but NGINX keeps the file that it had.",
            hint="Its last lines:\n" + "\n".join(last_lines(directory, EDGE, LINES)),
        )
    say(f"Generation {plan.generation} serves.")


def wait_until_drained(run_dir: Path) -> None:
    """
    Return when nothing runs any more but the generation that serves.

    Raises RefusedError when a program of it, which could not be proved before, does not stay up.
    """
    with told_if_stopped():
        while (now := look(run_dir)) is not None and (now.ending or now.starting):
            time.sleep(POLL_S)
        # These could not be proved before: each had to wait for the one before it to end.
        alone = [each for each in now.state.processes if each.exclusive] if now else []
        for news in Proof(alone, now.state, run_dir, Deadline(ALONE_S)).of(alone) if now else ():
            if isinstance(news, Dead):
                raise RefusedError(
                    "The new generation serves, but not all of it stays up.",
                    hint=obituary(news, run_dir),
                )


@contextmanager
def told_if_stopped() -> Iterator[None]:
    """Raise MachineError, with what to do, when supervisord goes away."""
    try:
        yield
    except GoneError as error:
        raise MachineError(
            "The stack was stopped meanwhile, or its supervisord does not answer.",
            hint="Look at it with `tandem status`, or start it with `tandem up`.",
        ) from error


def _read_by_edge(plan: Plan) -> list[Path]:
    tls = plan.edge.tls
    named = (plan.edge.include, tls and tls.certificate, tls and tls.key)
    return [Path(plan.project.directory, path) for path in named if path]
