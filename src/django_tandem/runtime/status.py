"""A running stack at one moment: which generation is live, what each program does and uses."""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from django_tandem.errors import RefusedError
from django_tandem.model import Process, Status
from django_tandem.model.programs import generation_of, is_optional, log_names
from django_tandem.model.state import STATE_FILE, STOPPING_FILE, State
from django_tandem.runtime import candidates, lock, supervisord, unsupervised
from django_tandem.runtime.connections import count_connections, count_on_port
from django_tandem.runtime.health import check
from django_tandem.runtime.identity import ProcessIdentity
from django_tandem.runtime.kind_status import (
    READY,
    UNANSWERED,
    KindStatus,
    ProgramRole,
    is_checked,
    kind_statuses,
    unchecked_state,
)
from django_tandem.runtime.links import linked_sockets
from django_tandem.runtime.reconcile import programs_to_stop
from django_tandem.runtime.state import nothing_runs, read_state
from django_tandem.runtime.usage import Usage, total_usage, usage_of_family, usages
from django_tandem.runtime.waiting import wait_until

# How long the process of a stopped supervisord takes to end.
ENDS_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramStatus:
    """
    One program at one moment.

    ``process`` is what was planned, None once that is no longer known. ``connections`` is
    None for a program without a socket. ``kinds`` are those of a shared master.
    """

    status: Status
    process: Process | None
    role: ProgramRole
    state: str
    connections: int | None
    kinds: tuple[KindStatus, ...] = ()

    @property
    def pids(self) -> tuple[int, ...]:
        """Its own pid, and those of a shared master's workers."""
        own = (self.status.pid,) if self.status.pid else ()
        return (*own, *(worker.pid for kind in self.kinds for worker in kind.workers))


@dataclass(frozen=True, slots=True, kw_only=True)
class StackStatus:
    """
    A stack at one moment, which is ``at_s`` on the monotonic clock.

    ``pid`` is supervisord's, in its own PID namespace if ``is_here`` is false; ``reload_pid``
    that of a reload in progress. ``usages`` is by pid, of each program without the workers of a
    shared master, and of each such worker. ``restarts`` is by program, without those that never
    died.
    """

    run_dir: Path
    state: State
    pid: int
    is_here: bool
    at_s: float
    age_s: int
    reload_pid: int | None
    programs: tuple[ProgramStatus, ...]
    usages: dict[int, Usage]
    restarts: dict[str, int]

    @property
    def is_ready(self) -> bool:
        """Whether all of the live generation is ready that requests need."""
        needed = [e for e in self.in_role(ProgramRole.SERVING) if not is_optional(e.status.name)]
        return all(each.state == READY for each in needed)

    def usage_of(self, pids: Iterable[int]) -> Usage | None:
        """Return what these programs and workers use together; None when it is not known."""
        known = [self.usages[pid] for pid in pids if pid in self.usages]
        return total_usage(known) if known else None

    def in_role(self, role: ProgramRole) -> tuple[ProgramStatus, ...]:
        """Return the programs of that role."""
        return tuple(each for each in self.programs if each.role is role)


def read_status(run_dir: Path) -> StackStatus:
    """Return the status of the stack in ``run_dir``; raises RefusedError when none answers."""
    holder = lock.holder_identity(run_dir)
    if holder is None:
        raise nothing_runs(run_dir)
    statuses, restarts = _answers(run_dir, holder)
    # In this order: a reload that ends in between has left its state, and nothing half started.
    reload_pid = lock.holder(run_dir, lock.RELOAD)
    proposed = read_state(run_dir, candidates.candidate(STATE_FILE))
    state = read_state(run_dir)
    if state is None:
        raise nothing_runs(run_dir)
    is_reloading = reload_pid is not None
    # Pids of another PID namespace would be those of strangers here.
    is_here = holder.is_verified
    programs = _programs(run_dir, state, proposed, statuses, is_reloading=is_reloading)
    pids = {pid for each in programs for pid in each.pids} if is_here else set()
    return StackStatus(
        run_dir=run_dir,
        state=state,
        pid=holder.pid,
        is_here=is_here,
        at_s=time.monotonic(),
        age_s=_age_s(run_dir, holder),
        reload_pid=reload_pid,
        usages=_usages(holder.pid, pids, state) if pids else {},
        restarts=restarts,
        programs=programs,
    )


def _usages(root: int, pids: Collection[int], state: State) -> dict[int, Usage]:
    # Without supervisord, the only program is the root itself.
    return usages(root, pids) if state.is_supervised else {root: usage_of_family(root)}


def _answers(run_dir: Path, holder: ProcessIdentity) -> tuple[Sequence[Status], dict[str, int]]:
    """Return the programs and their restarts; raises RefusedError without an answer."""
    state = read_state(run_dir)
    if state is not None and not state.is_supervised:
        if (run_dir / STOPPING_FILE).exists():
            raise _stopping(run_dir)
        return unsupervised.statuses(run_dir, state), unsupervised.restarts(run_dir, state)
    try:
        return supervisord.statuses(run_dir), supervisord.restarts(run_dir)
    except supervisord.StoppingError as error:
        raise _stopping(run_dir) from error
    except OSError as error:
        # Its socket is closed before its process ends.
        if (run_dir / STOPPING_FILE).exists():
            raise _stopping(run_dir) from error
        # The mark is removed a moment before that.
        if wait_until(lambda: lock.holder_identity(run_dir) is None, ENDS_WITHIN_S):
            raise nothing_runs(run_dir) from error
        raise RefusedError(
            f"supervisord with pid {holder.pid} does not answer in {run_dir}: "
            "it is starting, stopping or suspended.",
            hint="Try again in a moment.",
        ) from error


def _stopping(run_dir: Path) -> RefusedError:
    return RefusedError(
        f"The stack in {run_dir} is stopping.", hint="`tandem down` waits until it has stopped."
    )


def _age_s(run_dir: Path, holder: ProcessIdentity) -> int:
    # The commit renames the file, which changes its ctime; where a stack is started again with
    # nothing changed, it is not even written.
    committed_s = time.time() - (run_dir / STATE_FILE).stat().st_ctime
    return max(0, int(min(committed_s, holder.age_s)))


def _programs(
    run_dir: Path,
    state: State,
    proposed: State | None,
    statuses: Sequence[Status],
    *,
    is_reloading: bool,
) -> tuple[ProgramStatus, ...]:
    """Return each program's status; ``proposed`` is the state of a candidate generation."""
    every = (*statuses, *_waiting(state, statuses))
    names = [each.name for each in every]
    role_of = roles(state, names, is_reloading=is_reloading, linked=linked_sockets(run_dir))
    planned = _planned(state, proposed)
    # Counted first, for each health check is a connection itself.
    connections = _connections(run_dir, names)

    def status_of(status: Status) -> ProgramStatus:
        name, process, role = status.name, planned.get(status.name), role_of[status.name]
        kinds = kind_statuses(run_dir, status, process, role, connections)
        return ProgramStatus(
            status=status,
            process=process,
            role=role,
            state=_state(status, process, role, state, kinds),
            connections=_sum(
                [*(connections[each] for each in log_names(name)), *_tcp_connection_counts(process)]
            ),
            kinds=kinds,
        )

    # In parallel, since each that hangs takes the whole timeout of a health check.
    with ThreadPoolExecutor() as pool:
        return tuple(pool.map(status_of, every))


def roles(
    state: State, running: Collection[str], *, is_reloading: bool, linked: Collection[str] = ()
) -> dict[str, ProgramRole]:
    """Return the role of each program of ``running``."""
    old = programs_to_stop(state, running, is_reloading=False, linked=linked)
    newer = ProgramRole.CANDIDATE if is_reloading else ProgramRole.ABANDONED

    def role(name: str) -> ProgramRole:
        if name not in old:
            return ProgramRole.SERVING
        return newer if generation_of(name) > state.generation else ProgramRole.DRAINING

    return {name: role(name) for name in running}


def _planned(state: State, proposed: State | None) -> dict[str, Process]:
    states = [each for each in (proposed, state) if each is not None]
    return {process.program: process for each in states for process in each.processes}


def _waiting(state: State, statuses: Sequence[Status]) -> list[Status]:
    """Return the programs that start only when their predecessors have ended."""
    known = {each.name for each in statuses}
    names = [each.program for each in state.processes if each.program not in known]
    return [Status(name=name, state="WAITING", pid=0, since_s=0) for name in names]


def _connections(run_dir: Path, programs: Sequence[str]) -> dict[str, int | None]:
    names = [name for program in programs for name in log_names(program)]
    sockets = {name: run_dir / f"{name}.sock" for name in names}
    found = count_connections([path for path in sockets.values() if path.exists()])
    return {name: found.get(path) for name, path in sockets.items()}


def _tcp_connection_counts(process: Process | None) -> Iterator[int | None]:
    for kind in process.kinds if process else ():
        if kind.bind:
            yield count_on_port(kind.bind.port)


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [each for each in counts if each is not None]
    return sum(known) if known else None


def _state(
    status: Status,
    process: Process | None,
    role: ProgramRole,
    state: State,
    kinds: tuple[KindStatus, ...],
) -> str:
    if process is None or not is_checked(status, role):
        return unchecked_state(status, role)
    if kinds:
        return next((each.state for each in kinds if each.state != READY), READY)
    return READY if status.pid and check(process, state, status.pid) else UNANSWERED[status.state]
