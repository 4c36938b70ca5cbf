"""Plan → a new generation that replaces the live one, or a failure that changes nothing."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from django_tandem import pipeline
from django_tandem.errors import MachineError, RefusedError
from django_tandem.inprocess import (
    drain_window,
    generation_files,
    prometheus_files,
    startup_failures,
)
from django_tandem.model import Nginx, Plan, Process, programs
from django_tandem.model.programs import generation_of, is_master, is_optional, log_names
from django_tandem.model.state import State, planned_state
from django_tandem.runtime import (
    blocks,
    candidates,
    commit,
    lock,
    preflight,
    shifts,
    supervisord,
    unsupervised,
)
from django_tandem.runtime.candidates import EDGE_FILE
from django_tandem.runtime.edge import running_nginx
from django_tandem.runtime.health_gate import (
    LINES,
    Failed,
    HealthGate,
    Healthy,
    Result,
    format_failure,
)
from django_tandem.runtime.logs import last_lines, log_path
from django_tandem.runtime.reconcile import read_diff
from django_tandem.runtime.run_dir import prepare_temp_dir, require_space
from django_tandem.runtime.state import nothing_runs, read_state
from django_tandem.runtime.supervisord import GoneError
from django_tandem.runtime.waiting import Deadline, Report, pause
from django_tandem.settings import Settings

# The drainer may hold the lock while it recovers from a killed reload.
RECOVERY_S = 2
# A program of PROGRAMS has no health check but that it stays up.
STAYS_UP_S = 30
# How long a candidate may take to stop: it has no connections.
CANDIDATE_STOP_S = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """
    One reload, as its steps see it.

    ``before`` is the state until the commit, ``started`` the processes that start next to those
    of the live generation; ``gate`` knows their health. ``nginxes`` are the NGINX on disk, which
    its next start will run, and the running one, if it is another.
    """

    plan: Plan
    settings: Settings
    before: State
    run_dir: Path
    started: tuple[Process, ...]
    gate: HealthGate
    nginxes: tuple[Nginx, ...]
    report: Report


def check_machine(reload: Reload) -> None:
    """Check that this machine has what the plan needs."""
    listening = (*reload.before.binds, *reload.before.health, *reload.before.metrics)
    preflight.require_all(reload.plan, reload.settings, listening=listening)


def write_candidates(reload: Reload) -> None:
    """Write the files of the new generation next to those in place."""
    prepare_temp_dir(reload.plan)
    # A killed reload may have had this generation's number.
    drain_window.FILES.remove(reload.run_dir, reload.plan.generation)
    prometheus_files.remove(reload.run_dir, reload.plan.generation)
    candidates.write_candidates(
        pipeline.render(reload.plan), _read_by_edge(reload.plan), reload.run_dir
    )


def check_edge_candidate(reload: Reload) -> None:
    """Have NGINX check its candidate, if there is one: the one that runs, and the one on disk."""
    name = candidates.candidate(EDGE_FILE)
    for nginx in reload.nginxes if (reload.run_dir / name).exists() else ():
        edge = replace(reload.plan.edge, nginx=nginx)
        preflight.refuse_bad_edge(replace(reload.plan, edge=edge), reload.run_dir, name)


def start(reload: Reload) -> None:
    """Start each process, and wait until it is healthy before the next one."""
    # One after the other: the live generation needs the CPUs too. Channels workers come last,
    # for they begin to work at once.
    for process in sorted(reload.started, key=lambda process: not process.sockets):
        reload.report(f"Starting {process.program}: {process.description}.")
        _start(process.program, reload.run_dir)
        for healthy in _require_healthy(reload, reload.gate.iterate_health(_needed([process]))):
            reload.report(f"{process.program}: {healthy.reason}")


def check_health(reload: Reload) -> None:
    """Check all processes once more: the first may have ended while the last one started."""
    for _healthy in _require_healthy(reload, reload.gate.iterate_health(_needed(reload.started))):
        pass


def extend_blocks(reload: Reload) -> None:
    """Block the paths of blocked routes for both generations, as both serve for a moment."""
    blocks.extend(reload.plan)


def commit_state(reload: Reload) -> None:
    """Make the new generation the live one: from here on nothing is undone."""
    commit.commit(reload.run_dir)


def switch_edge(reload: Reload) -> None:
    """Reload NGINX if it has something new to read, and move the links to the new sockets."""
    generation = reload.plan.generation
    if not commit.finish(reload.run_dir):
        raise RefusedError(
            f"Generation {generation} is live, but NGINX rejected its new configuration.",
            hint="\n".join(["Its last lines:", *last_lines(reload.run_dir, programs.NGINX, LINES)]),
        )
    reload.report(f"Generation {generation} is live.")


def renew_blocks(reload: Reload) -> None:
    """Leave the paths of the new generation alone blocked."""
    try:
        notes = blocks.renew(reload.plan)
    except (OSError, RefusedError) as error:
        # The generation is live, and its routes are blocked.
        notes = [f"Paths that blocked routes had before stay blocked as well: {error}"]
    for note in notes:
        reload.report(note)


def renew_shifts(reload: Reload) -> None:
    """End the shift of a route that is gone, or that the project now has on its stack."""
    try:
        notes = shifts.renew(reload.plan)
    except (OSError, RefusedError) as error:
        # The generation is live, and the split is as it was.
        notes = [f"Shifts stay as they were: {error}"]
    for note in notes:
        reload.report(note)


def start_drainer(reload: Reload) -> None:
    """Have supervisord drain the old generation, in a process that outlives this one."""
    supervisord.start_drainer(reload.run_dir)


# The order is what makes a reload safe: a failure before the commit is undone, and the drainer
# finishes what a reload killed after the commit left undone. The same table is in
# docs/reference/reload.md.
STEPS: tuple[Callable[[Reload], None], ...] = (
    check_machine,
    write_candidates,
    check_edge_candidate,
    start,
    check_health,
    extend_blocks,
    commit_state,
    switch_edge,
    renew_blocks,
    renew_shifts,
    start_drainer,
)


def run(
    plan: Plan, settings: Settings, before: State, *, deadline_s: float, report: Report
) -> None:
    """
    Replace the live generation, ``before``, by that of ``plan``.

    Raises RefusedError or MachineError when the new one is not healthy within ``deadline_s``;
    then it has been stopped and has never had a connection.
    """
    run_dir = Path(plan.run_dir)
    nginxes = _nginxes(plan, run_dir)
    plan = replace(plan, edge=replace(plan.edge, nginx=_common_nginx(nginxes)))
    running = {each.name for each in supervisord.statuses(run_dir)}
    started = [
        each for each in plan.processes if each.program not in running and not each.exclusive
    ]
    gate = HealthGate(_needed(started), planned_state(plan), run_dir, Deadline(deadline_s))
    reload = Reload(
        plan=plan,
        settings=settings,
        before=before,
        run_dir=run_dir,
        started=tuple(started),
        gate=gate,
        nginxes=nginxes,
        report=report,
    )
    try:
        for step in STEPS:
            step(reload)
    except BaseException:
        # Ctrl-C may have come right after the commit: then there is nothing to undo.
        if candidates.is_proposed(run_dir):
            _undo(reload)
        raise


@contextmanager
def locked(run_dir: Path, report: Report, *, patience_s: float) -> Iterator[State]:
    """
    Hold the reload lock of the stack in ``run_dir``, and yield its state.

    Raises RefusedError when nothing runs, or another reload is in progress and does not end
    within ``patience_s``; MachineError when the disk is full, or supervisord ends.
    """
    state = read_state(run_dir)
    if lock.holder(run_dir) is None or state is None:
        raise nothing_runs(run_dir)
    unsupervised.refuse_reload(run_dir, state)
    _refuse_stack_on_address(run_dir, state)
    with require_space(run_dir), require_supervisord():
        handle = _lock(run_dir, report, patience_s)
        try:
            commit.recover(run_dir)
            with supervisord.notifying_of_reload(run_dir):
                yield read_state(run_dir) or state
        finally:
            lock.release(handle)


def _refuse_stack_on_address(run_dir: Path, state: State) -> None:
    kinds = (kind for process in state.processes for kind in process.kinds)
    bind = next((kind.bind for kind in kinds if kind.bind), None)
    if bind is not None:
        raise RefusedError(
            f"The stack in {run_dir} listens on {bind}, and two generations can't listen on one "
            "address.",
            hint="Start the new code on another host or in a new container, and stop this stack "
            "with `tandem down` once that one is ready.",
        )


def wait_until_drained(run_dir: Path) -> None:
    """
    Return when only the live generation runs.

    Raises RefusedError when a program of PROGRAMS, which starts only then, does not stay up.
    """
    began = time.monotonic()
    with require_supervisord():
        while (diff := read_diff(run_dir)) is not None and not diff.is_empty:
            pause(began)
        if diff is None:
            return
        alone = [each for each in diff.state.processes if each.exclusive]
        gate = HealthGate(alone, diff.state, run_dir, Deadline(STAYS_UP_S))
        for result in gate.iterate_health(alone):
            if isinstance(result, Failed):
                raise RefusedError(
                    f"Generation {diff.state.generation} is live, but not all of its programs "
                    "stay up.",
                    hint=format_failure(result, run_dir),
                )


@contextmanager
def require_supervisord() -> Iterator[None]:
    """Raise MachineError, with what to do, when supervisord ends or does not answer."""
    try:
        yield
    except GoneError as error:
        raise MachineError(
            "The stack was stopped during the reload, or its supervisord does not answer.",
            hint="Check it with `tandem status`, or start it with `tandem up`.",
        ) from error


def _lock(run_dir: Path, report: Report, patience_s: float) -> int:
    handle = lock.try_to_take(run_dir, lock.RELOAD, within_s=RECOVERY_S)
    if handle is None and patience_s > 0:
        report(f"Waiting for the reload with pid {lock.holder(run_dir, lock.RELOAD)} to end.")
        handle = lock.try_to_take(run_dir, lock.RELOAD, within_s=patience_s)
    if handle is None:
        pid = lock.holder(run_dir, lock.RELOAD)
        raise RefusedError(
            f"Another reload is in progress in {run_dir}, with pid {pid}.",
            hint="Wait for it with `tandem reload --wait`, or interrupt it with Ctrl-C: the live "
            "generation keeps serving.",
        )
    return handle


def _nginxes(plan: Plan, run_dir: Path) -> tuple[Nginx, ...]:
    on_disk = plan.edge.nginx
    running = running_nginx(run_dir)
    if running is None or replace(running, program=on_disk.program) == on_disk:
        return (on_disk,)
    return (on_disk, running)


def _common_nginx(nginxes: Sequence[Nginx]) -> Nginx:
    """Return an NGINX that has only what all of ``nginxes`` have."""
    arguments = set.intersection(*(set(nginx.arguments.split()) for nginx in nginxes))
    version = min(nginx.version for nginx in nginxes)
    return replace(nginxes[0], version=version, arguments=" ".join(sorted(arguments)))


def _needed(processes: Iterable[Process]) -> list[Process]:
    return [each for each in processes if not is_optional(each.name)]


def _start(program: str, run_dir: Path) -> None:
    # A candidate that failed before may have had this name.
    for name in log_names(program):
        log_path(run_dir, name).unlink(missing_ok=True)
    startup_failures.clear_startup_failure(run_dir, program)
    if is_master(program):
        generation_files.RESTARTS.remove(run_dir, generation_of(program))
    supervisord.start(run_dir, [program])


def _require_healthy(reload: Reload, results: Iterable[Result]) -> Iterator[Healthy]:
    for result in results:
        if isinstance(result, Healthy):
            yield result
        elif result.process is None:
            raise GoneError(result.reason)
        else:
            raise RefusedError(
                f"Generation {reload.plan.generation} failed its health check. "
                f"Generation {reload.before.generation} keeps serving.",
                hint=format_failure(result, reload.run_dir),
            )


def _undo(reload: Reload) -> None:
    # If supervisord is shutting down, it stops them itself.
    with suppress(GoneError):
        for process in reload.started:
            supervisord.stop_program(reload.run_dir, process.program, CANDIDATE_STOP_S)
    candidates.remove_candidates(reload.run_dir)


def _read_by_edge(plan: Plan) -> list[Path]:
    tls = plan.edge.tls
    named = (*plan.edge.include.files, tls and tls.certificate, tls and tls.key)
    return [Path(plan.project.directory, path) for path in named if path]
