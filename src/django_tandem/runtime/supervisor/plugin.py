"""The plugin: it takes the stack's lock, ends orphans, and looks after what supervisord starts."""

import atexit
import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.states import ProcessStates, SupervisorStates

from django_tandem.errors import MachineError
from django_tandem.fingerprints import are_known
from django_tandem.inprocess import drain_window, startup_failures
from django_tandem.model.programs import log_names, socket_names
from django_tandem.model.state import STOPPING_FILE, State
from django_tandem.runtime import lock, orphans
from django_tandem.runtime.links import move_links
from django_tandem.runtime.probes.observer import StackObserver
from django_tandem.runtime.probes.server import ProbeServer
from django_tandem.runtime.run_dir import remove_leftovers
from django_tandem.runtime.state import read_state
from django_tandem.runtime.supervisor.children import Children
from django_tandem.runtime.supervisor.event_loop import SelfPipe, subscribe
from django_tandem.runtime.supervisor.generations_rpc import GenerationsRpc
from django_tandem.runtime.supervisor.log_multiplexer import LogMultiplexer
from django_tandem.runtime.supervisor.plugin_processes import Drainer, ShiftPrograms
from django_tandem.runtime.supervisor.reload_listener import ReloadListener
from django_tandem.runtime.supervisor.restart_policy import RestartPolicy
from django_tandem.runtime.supervisor.shutdown import Shutdown
from django_tandem.runtime.supervisor.systemd_notifier import SystemdNotifier
from django_tandem.runtime.waiting import report

RUNNING = (ProcessStates.STARTING, ProcessStates.RUNNING)


class SupervisedPrograms:
    """
    The programs of one supervisord.

    ``loop_ran_at`` returns when supervisord's loop has last run, on the monotonic clock.
    """

    def __init__(self, supervisord: Any, loop_ran_at: Callable[[], float]) -> None:
        self._supervisord = supervisord
        self._loop_ran_at = loop_ran_at

    @property
    def is_shut_down(self) -> bool:
        """Whether a stop has begun."""
        return bool(self._supervisord.options.mood < SupervisorStates.RUNNING)

    @property
    def loop_age_s(self) -> float:
        """The time since supervisord's loop has run."""
        return time.monotonic() - self._loop_ran_at()

    def uptime_s(self, program: str) -> float | None:
        """Return for how long a program has run, None if it does not."""
        # Another thread's: each look-up finds the program, or it has just been removed.
        group = self._supervisord.process_groups.get(program)
        process = group.processes.get(program) if group else None
        if process is None or process.get_state() not in RUNNING:
            return None
        return max(0.0, time.time() - float(process.laststart))


# A process that has ended: without a stop, soon after its start, or because it was stopped.
ENDED = (
    events.ProcessStateExitedEvent,
    events.ProcessStateBackoffEvent,
    events.ProcessStateStoppedEvent,
)

# What the plugin relies on behind supervisor's public interface.
INTERNALS = (
    "supervisor.options.ServerOptions.fork",
    "supervisor.options.ServerOptions.get_socket_map",
    "supervisor.process.Subprocess._prepare_child_fds",
    "supervisor.process.Subprocess.change_state",
    "supervisor.process.Subprocess.finish",
    "supervisor.process.Subprocess.spawn",
    "supervisor.process.Subprocess.transition",
    "supervisor.supervisord.Supervisor.add_process_group",
    "supervisor.supervisord.Supervisor.remove_process_group",
    "supervisor.supervisord.Supervisor.runforever",
)
UNKNOWN_VERSION = "Restarts, logs and stops may differ; install the version that it is tested with."


def make_plugin(supervisord: Any) -> GenerationsRpc:
    """Set the plugin up and return the methods that are called over XML-RPC."""
    are_known(INTERNALS, otherwise=UNKNOWN_VERSION)
    # The run directory is where supervisord.conf lies.
    return Plugin(supervisord, Path(supervisord.options.here)).rpc


class Plugin:
    """One running stack inside its supervisord."""

    def __init__(self, supervisord: Any, run_dir: Path) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        self._pid = os.getpid()
        # Another user who could enter might replace our sockets.
        run_dir.chmod(0o700)
        is_announced = lock.VARIABLE in os.environ
        self._lock = _hold_lock(run_dir)
        _end_orphans(run_dir)
        self._output = LogMultiplexer(run_dir, is_announced=is_announced)
        self._output.start()
        self._children = Children(supervisord, run_dir)
        # Left by a stack that was killed while it stopped.
        (run_dir / STOPPING_FILE).unlink(missing_ok=True)
        # Of a start that failed, where this one is not by `tandem up`.
        startup_failures.clear_startup_failures(run_dir)
        state = read_state(run_dir)
        if state is not None:
            self._resume(state)
        self._subscribe()
        # After _on_exit(), which clears the way for a restart.
        self._self_pipe = SelfPipe(supervisord)
        self._policy = RestartPolicy(supervisord, run_dir, self._self_pipe, self._output)
        self._shutdown = Shutdown(
            supervisord, run_dir, self._self_pipe, self._output, lambda: self._policy.has_failed
        )
        programs = SupervisedPrograms(supervisord, lambda: self._self_pipe.ran_at)
        observer = StackObserver(programs, run_dir)
        self._probes = ProbeServer(run_dir, observer.observe, self._output.print_line)
        self._probes.start(state.health if state else ())
        self._listener = ReloadListener(supervisord, run_dir, self._output.print_line)
        self._listener.listen(state.reload_group if state else "")
        self._notifier = SystemdNotifier(run_dir, self._self_pipe)
        self._drainer = Drainer(supervisord, run_dir, self._self_pipe)
        self._shifts = ShiftPrograms(run_dir, self._output)
        self.rpc = self._make_rpc()
        atexit.register(self._at_exit)

    def _make_rpc(self) -> GenerationsRpc:
        return GenerationsRpc(
            self._supervisord,
            self._run_dir,
            apply=self._apply,
            drainer=self._drainer,
            notifier=self._notifier,
            policy=self._policy,
            shifts=self._shifts,
            shutdown=self._shutdown,
        )

    def _resume(self, state: State) -> None:
        """Continue with the live generation of a stack that ended without a stop."""
        self._output.set_format(state.log_format)
        drain_window.FILES.remove(self._run_dir, state.generation)
        move_links(state, self._run_dir)

    def _apply(self, state: State) -> None:
        """Follow the state that a reload has committed."""
        self._output.set_format(state.log_format)
        self._probes.listen(state.health)
        self._listener.listen(state.reload_group)

    def _subscribe(self) -> None:
        subscribe(events.ProcessStateStartingEvent, self._on_starting)
        for ended in ENDED:
            subscribe(ended, self._on_exit)
        subscribe(events.ProcessGroupRemovedEvent, self._on_removed)
        subscribe(events.Tick5Event, self._on_tick)

    def _on_starting(self, event: Any) -> None:
        for log in log_names(event.process.config.name):
            self._output.add(log)

    def _on_exit(self, event: Any) -> None:
        name = event.process.config.name
        # The workers of an NGINX that was killed would keep its port, and nothing else stops
        # them. Each program leads a process group; it has no pid if it never started.
        if event.process.pid:
            with contextlib.suppress(OSError):
                os.killpg(event.process.pid, signal.SIGKILL)
        self._children.forget(name)
        for log in log_names(name):
            self._output.finish_line(log)
        # Granian, for one, does not start where it finds a socket.
        for socket in socket_names(name).values():
            (self._run_dir / f"{socket}.sock").unlink(missing_ok=True)

    def _on_removed(self, event: Any) -> None:
        for log in log_names(str(event.group)):
            self._output.forget(log)

    def _on_tick(self, _event: Any) -> None:
        # A reload that was killed leaves both to be found.
        self._notifier.end_killed_reload()
        self._drainer.start_if_abandoned()
        # Last: it may raise, as where the interpreter was removed.
        if self._supervisord.options.mood >= SupervisorStates.RUNNING:
            self._shifts.tick()

    def _at_exit(self) -> None:
        # A forked child that fails before its exec would end the whole stack.
        if os.getpid() != self._pid:
            return
        self._self_pipe.close()
        # Where supervisord itself fails, nothing else would stop what it started.
        self._shutdown.kill_all()
        self._probes.close()
        # Before the records of failed starts are removed, whose tracebacks are not printed again.
        self._output.close()
        # `tandem up` may print the traceback of a failed start only now.
        remove_leftovers(self._run_dir, keeps_failures=self._policy.has_failed)
        orphans.forget(self._run_dir)
        if self._policy.has_failed:
            # supervisord itself always ends with 0.
            os._exit(1)


def _hold_lock(run_dir: Path) -> int:
    """Take over the lock from `tandem up`, or take it where plain supervisord was started."""
    handle = lock.inherited(run_dir)
    try:
        handle = lock.take(run_dir) if handle is None else handle
    except MachineError as error:
        report(str(error))
        os._exit(error.exit_code)
    lock.sign(handle, run_dir)
    return handle


def _end_orphans(run_dir: Path) -> None:
    """End what an earlier supervisord left, where this one was started without `tandem up`."""
    try:
        orphans.end_orphans(run_dir, report)
    except MachineError as error:
        report(str(error))
        os._exit(error.exit_code)
