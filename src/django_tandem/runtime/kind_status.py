"""What each kind of a shared master's workers does at one moment, and the states of a program."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django_tandem.inprocess import generation_files
from django_tandem.model import Process, Status, WorkerKind
from django_tandem.model.programs import generation_of, is_master, kinds_of
from django_tandem.runtime.health import does_work
from django_tandem.runtime.workers import Worker, workers_of

READY = "ready"
# A program in these states of supervisord's runs and does not answer yet, or any more.
UNANSWERED = {"STARTING": "starting", "RUNNING": "silent"}


class ProgramRole(StrEnum):
    """The role of a program at this moment."""

    SERVING = "serving"
    DRAINING = "draining"
    CANDIDATE = "candidate"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindStatus:
    """
    One kind of a shared master's workers at one moment.

    ``name`` is that of its log. ``workers`` is empty where they are not known, and
    ``planned_workers`` None once the plan is forgotten.
    """

    name: str
    kind: str
    description: str
    state: str
    workers: tuple[Worker, ...]
    restarts: int
    connections: int | None
    planned_workers: int | None = None

    @property
    def ready_workers(self) -> int:
        """How many of its workers have booted."""
        return sum(each.is_ready for each in self.workers)


def kind_statuses(
    run_dir: Path,
    status: Status,
    process: Process | None,
    role: ProgramRole,
    connections: Mapping[str, int | None],
) -> tuple[KindStatus, ...]:
    """
    Return the status of each kind of a program's workers; empty if it is no shared master.

    ``process`` is None once the plan of its generation is forgotten.
    """
    if not is_master(status.name):
        return ()
    workers = workers_of(status.pid) if status.pid else None
    restarts = generation_files.read_restarts(run_dir, generation_of(status.name))
    planned = {kind.name: kind for kind in process.kinds} if process else {}
    names = {
        kind: name
        for kind, name in kinds_of(status.name).items()
        if kind in planned or (not process and workers and workers[kind])
    }
    states = _states(names, status, role, planned, workers)
    return tuple(
        KindStatus(
            name=name,
            kind=kind,
            description=_description(planned.get(kind)),
            state=states[kind],
            workers=workers[kind] if workers else (),
            restarts=restarts.get(kind, 0),
            connections=connections.get(name),
            planned_workers=planned[kind].workers if kind in planned else None,
        )
        for kind, name in names.items()
    )


def _states(
    kinds: Iterable[str],
    status: Status,
    role: ProgramRole,
    planned: Mapping[str, WorkerKind],
    workers: dict[str, tuple[Worker, ...]] | None,
) -> dict[str, str]:
    """Check the health of each kind whose state depends on it; return the state of each."""

    def state_of(kind: str) -> str:
        if not planned or not is_checked(status, role):
            return unchecked_state(status, role)
        return READY if does_work(planned[kind], workers) else UNANSWERED[status.state]

    # In parallel, since each that hangs takes the whole timeout of a health check.
    with ThreadPoolExecutor() as pool:
        return dict(zip(kinds, pool.map(state_of, kinds), strict=True))


def is_checked(status: Status, role: ProgramRole) -> bool:
    """Return whether the state of a program depends on its health check."""
    # For supervisord a process is running once it is old enough; what counts is an answer.
    return role in (ProgramRole.SERVING, ProgramRole.CANDIDATE) and status.state in UNANSWERED


def unchecked_state(status: Status, role: ProgramRole) -> str:
    """Return the state of a program whose health does not count."""
    is_draining = role is ProgramRole.DRAINING and status.state in UNANSWERED
    return "draining" if is_draining else status.state.lower()


def _description(kind: WorkerKind | None) -> str:
    return kind.description if kind else ""
