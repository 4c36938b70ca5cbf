"""
Drain the old generations: ``python -m django_tandem.runtime.drain RUN_DIR``.

The plugin inside supervisord starts it after each reload, and after one that was killed. What it
does follows from the state and the running programs, so that a second one can take over.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django_tandem.errors import MachineError
from django_tandem.inprocess import drain_window, generation_files, prometheus_files
from django_tandem.model import DrainMode, Stack, programs
from django_tandem.model.programs import (
    RETIRE_CHANNELS,
    generation_of,
    is_master,
    socket_names,
)
from django_tandem.model.state import State
from django_tandem.runtime import candidates, commit, lock, logs, supervisord
from django_tandem.runtime.connections import SocketSampler
from django_tandem.runtime.health import is_healthy
from django_tandem.runtime.reconcile import Diff, read_diff
from django_tandem.runtime.workers import workers_of

# Each round costs a call to supervisord and a reading of the kernel's table of sockets.
POLL_S = 0.1


def main(argv: list[str]) -> int:
    """Drain in the run directory ``argv[0]`` until only the live generation runs."""
    run_dir = Path(argv[0])
    if lock.try_to_take(run_dir, lock.DRAINER) is None:
        return 0
    with contextlib.suppress(ConnectionError, FileNotFoundError, MachineError):
        # supervisord is shutting down, and stops everything itself.
        drain_all(run_dir)
    return 0


def drain_all(run_dir: Path) -> None:
    """Drain and stop all old programs at once, then start those that waited for their end."""
    drains: dict[str, threading.Thread] = {}
    sampler = SocketSampler()
    while True:
        _recover(run_dir)
        diff = read_diff(run_dir)
        if diff is None:
            return
        for program in diff.to_stop:
            if program not in drains or not drains[program].is_alive():
                work = partial(drain_and_stop, run_dir, program, diff.state, sampler)
                drains[program] = _start_thread(work)
        # A program that is not in supervisord.conf can't be started, in no later round either.
        is_unknown = diff.to_start and not supervisord.start(run_dir, diff.to_start)
        if not diff.to_stop and (not diff.to_start or is_unknown):
            _remove_old(run_dir, diff)
            return
        sampler.sample()
        time.sleep(POLL_S)


def drain_and_stop(run_dir: Path, program: str, state: State, sampler: SocketSampler) -> None:
    """
    Stop one program once the connections of its sockets have ended, or their time is over.

    It gets no new connections, since its links have moved.
    """
    is_server = bool(socket_names(program))
    # An abandoned candidate has never been live, and has no connections.
    if is_server and 0 < generation_of(program) < state.generation:
        _wait_until_server_drained(run_dir, program, state, sampler)
    # After its drain, a server has as long as at a stop; other programs have their own time.
    supervisord.stop_program(run_dir, program, state.stop_s if is_server else 0)


def _wait_until_server_drained(
    run_dir: Path, program: str, state: State, sampler: SocketSampler
) -> None:
    until = time.monotonic() + state.drain_s
    if is_master(program):
        # At once: the new generation has its own.
        supervisord.signal_program(run_dir, program, RETIRE_CHANNELS)
    generation = generation_of(program)
    drains = [
        _start_thread(
            partial(
                _wait_until_socket_drained,
                run_dir / f"{name}.sock",
                stack,
                generation,
                state,
                sampler,
            )
        )
        for stack, name in socket_names(program).items()
    ]
    for drain in drains:
        drain.join()
    if is_master(program):
        _wait_for_channels(run_dir, program, until)


def _wait_until_socket_drained(
    path: Path, stack: Stack, generation: int, state: State, sampler: SocketSampler
) -> None:
    """
    Return once the connections of one socket have ended, or their time is over.

    Its queue is first in, first out: once a readiness request of ours is answered, nothing that
    came before it still waits.
    """
    # A WSGI request in progress may use its whole timeout.
    limit_s = max(state.drain_s, state.timeout_s) if stack is Stack.WSGI else state.drain_s
    until = time.monotonic() + limit_s
    _wait_for_queue(path, until)
    while _has_connections(path, until, sampler):
        _open_window(path.parent, generation, until, state)


def _wait_for_channels(run_dir: Path, program: str, until: float) -> None:
    """Wait until a master's Channels workers have finished their messages, or time is over."""
    pid = supervisord.pid_of(run_dir, program) or 0
    while time.monotonic() < until and (workers_of(pid) or {}).get(programs.CHANNELS):
        time.sleep(POLL_S)


def _wait_for_queue(path: Path, until: float) -> None:
    while path.exists() and time.monotonic() < until and not is_healthy(path):
        time.sleep(POLL_S)


def _has_connections(path: Path, until: float, sampler: SocketSampler) -> bool:
    """Wait for the next sample; return whether the socket has connections, and time left."""
    return path.exists() and time.monotonic() < until and sampler.next_count(path, until) != 0


def _open_window(run_dir: Path, generation: int, until: float, state: State) -> None:
    if drain_window.read(run_dir, generation) is not None:
        return
    left_s = max(0, until - time.monotonic())
    # The disk may be full: the next round tries again.
    with contextlib.suppress(OSError):
        mode = DrainMode(state.drain) if state.drain else None
        # The other socket's thread or a stop may open it at this moment.
        drain_window.open_once(run_dir, generation, min(state.drain_s, left_s), mode)


def _start_thread(work: Callable[[], None]) -> threading.Thread:
    def guarded() -> None:
        # supervisord is shutting down, and stops everything itself.
        with contextlib.suppress(ConnectionError, FileNotFoundError):
            work()

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    return thread


def _recover(run_dir: Path) -> None:
    """Recover from a killed reload; one that runs holds the lock and needs no help."""
    if not (candidates.is_proposed(run_dir) or candidates.is_unfinished(run_dir)):
        return
    handle = lock.try_to_take(run_dir, lock.RELOAD)
    if handle is not None:
        try:
            commit.recover(run_dir)
        finally:
            lock.release(handle)


def _remove_old(run_dir: Path, diff: Diff) -> None:
    logs.remove_old_logs(run_dir, diff.state.generation)
    running = {generation_of(name) for name in diff.running}
    for files in (drain_window.FILES, generation_files.RESTARTS, generation_files.HEARTBEAT):
        files.remove_all_but(run_dir, running)
    prometheus_files.end_all_but(run_dir, running)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
