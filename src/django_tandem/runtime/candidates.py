"""The programs of a generation that does not serve yet: started and proved, or ended."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from django_tandem.errors import RefusedError
from django_tandem.inprocess import startup_failures
from django_tandem.model import Plan, Process
from django_tandem.render.state import state_of
from django_tandem.runtime import supervisord
from django_tandem.runtime.announce import obituary
from django_tandem.runtime.proof import Proof
from django_tandem.runtime.readiness import Dead, Ready
from django_tandem.runtime.supervisord import GoneError
from django_tandem.runtime.telling import Say
from django_tandem.runtime.waiting import Deadline

# What one gets to end in: it has served nobody.
REFUSED_S = 3


def prove(processes: Sequence[Process], plan: Plan, deadline: Deadline, say: Say) -> None:
    """
    Start ``processes`` of ``plan``, and see that each of them answers.

    Raises RefusedError for one that fails, GoneError when supervisord ends meanwhile.
    """
    directory = Path(plan.run_dir)
    proof = Proof(processes, state_of(plan), directory, deadline)
    # One after the other: what serves still needs the processors. Workers on a channel come
    # last, for they begin to work as soon as they are there.
    for process in sorted(processes, key=lambda process: not process.socket):
        say(f"Starting {process.program}: {process.description}.")
        _start(process.program, directory)
        for ready in _proved(proof.of([process]), plan):
            say(f"{process.program}: {ready.because}")
    # The first may have ended while the last one started.
    for _ready in _proved(proof.of(processes), plan):
        pass


def end(processes: Sequence[Process], directory: Path) -> None:
    """Have all that was started of ``processes`` ended, one after the other."""
    # Where supervisord is on its way down, it ends them itself.
    with suppress(GoneError):
        for process in processes:
            supervisord.wait_for_end(directory, process.program, REFUSED_S)


def _start(program: str, directory: Path) -> None:
    # One that was refused before may have had this name.
    (directory / f"{program}.log").unlink(missing_ok=True)
    startup_failures.clear_startup_failure(directory, program)
    supervisord.start(directory, [program])


def _proved(news: Iterator[Ready | Dead], plan: Plan) -> Iterator[Ready]:
    for each in news:
        if isinstance(each, Ready):
            yield each
        elif each.process is None:
            raise GoneError(each.because)
        else:
            raise RefusedError(
                f"Generation {plan.generation} is refused, and the one before it serves on.",
                hint=obituary(each, Path(plan.run_dir)),
            )
