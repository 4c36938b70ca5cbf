"""Plan → a new generation in the place of the one that serves, or a refusal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django_tandem.errors import MachineError, RefusedError
from django_tandem.model import Plan, Process
from django_tandem.render import TARGETS
from django_tandem.render.state import State, state_of
from django_tandem.runtime import commit, lock, preflight, supervisord
from django_tandem.runtime.announce import LINES, obituary
from django_tandem.runtime.edge import EDGE, EDGE_FILE
from django_tandem.runtime.logs import last_lines
from django_tandem.runtime.proof import Proof
from django_tandem.runtime.readiness import Dead, Deadline, Ready
from django_tandem.runtime.standing import look
from django_tandem.runtime.state import read_state
from django_tandem.runtime.supervisord import GoneError
from django_tandem.served import draining, loading
from django_tandem.settings import Settings

# The drainer may be at what a reload that was killed has left.
SETTLED_S = 2
# What a candidate gets to end in: it has served nobody.
REFUSED_S = 3
# A program of the settings has no answer to give but that it stays up.
ALONE_S = 30

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
    handle = lock.try_to_take(run_dir, lock.RELOAD, within_s=SETTLED_S)
    if handle is None:
        pid = lock.holder(run_dir, lock.RELOAD)
        raise RefusedError(
            f"A reload is on its way in {run_dir} already, with pid {pid}.",
            hint="Wait for it to end, or end it with Ctrl-C: what serves goes on serving.",
        )
    try:
        with told_if_stopped():
            commit.settle(run_dir)
            yield read_state(run_dir) or state
    finally:
        lock.release(handle)


def replace(plan: Plan, settings: Settings, before: State, *, deadline_s: float, say: Say) -> None:
    """
    Start the generation of ``plan``, have it prove itself, and move all new connections to it.

    ``before`` is what serves until then.

    Raises RefusedError or MachineError when it does not come up within ``deadline_s``; then it
    has never been asked by anybody else, and is gone.
    """
    directory = Path(plan.run_dir)
    preflight.require_all(plan, settings, had=before.binds)
    files = [file for target in TARGETS for file in target.render(plan)]
    running = [each.name for each in supervisord.statuses(directory)]
    started = [each for each in plan.processes if each.program not in running and not each.alone]
    # One that was killed may have drained under this number.
    draining.forget(directory, plan.generation)
    try:
        commit.propose(files, _read_by_edge(plan), directory)
        if (directory / commit.candidate(EDGE_FILE)).exists():
            preflight.refuse_bad_edge(plan, directory, commit.candidate(EDGE_FILE))
        _prove_all(started, plan, directory, Deadline(deadline_s), say)
        commit.commit(directory)
    except BaseException:
        # Ctrl-C may have come right after the commit: then there is nothing to undo.
        if commit.is_proposed(directory):
            _end([each.program for each in started], directory)
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
            time.sleep(supervisord.POLL_S)
        # These could not be proved before: each had to wait for the one before it to end.
        alone = [each for each in now.state.processes if each.alone] if now else []
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


def _prove_all(
    started: list[Process], plan: Plan, directory: Path, deadline: Deadline, say: Say
) -> None:
    proof = Proof(started, state_of(plan), directory, deadline)
    # One after the other: what serves still needs the processors. Workers on a channel come
    # last, for they begin to work as soon as they are there.
    for process in sorted(started, key=lambda process: not process.socket):
        program = process.program
        say(f"Starting {program}: {process.role}.")
        # One that was refused before may have had this name.
        (directory / f"{program}.log").unlink(missing_ok=True)
        loading.forget(directory, program)
        supervisord.start(directory, [program])
        for ready in _proved(proof.of([process]), plan, directory):
            say(f"{program}: {ready.because}")
    # The first may have ended while the last one started.
    for _ready in _proved(proof.of(started), plan, directory):
        pass


def _proved(news: Iterator[Ready | Dead], plan: Plan, directory: Path) -> Iterator[Ready]:
    for each in news:
        if isinstance(each, Ready):
            yield each
        elif each.process is None:
            raise GoneError(each.because)
        else:
            raise RefusedError(
                f"Generation {plan.generation} is refused, and the one before it serves on.",
                hint=obituary(each, directory),
            )


def _end(programs: list[str], directory: Path) -> None:
    # Where supervisord is on its way down, it ends them itself.
    with suppress(GoneError):
        for program in programs:
            supervisord.wait_for_end(directory, program, REFUSED_S)
