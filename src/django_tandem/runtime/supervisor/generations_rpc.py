"""
What `tandem reload` and `tandem status` call over XML-RPC, as ``tandem.start`` and so on.

It starts and stops the programs of generations, starts a drainer for each generation that was
replaced, and the programs for shifts. Each tick looks for a generation that a killed reload
has left behind, and for a shift that nobody watches.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.states import SupervisorStates

from django_tandem import priority
from django_tandem.errors import MachineError
from django_tandem.model import DrainMode
from django_tandem.runtime import commit, lock
from django_tandem.runtime.agents import without_agents
from django_tandem.runtime.probes.thread import ProbeThread
from django_tandem.runtime.reconcile import compare
from django_tandem.runtime.state import live_python, read_state
from django_tandem.runtime.supervisor.event_loop import subscribe
from django_tandem.runtime.supervisor.log_multiplexer import LogMultiplexer
from django_tandem.runtime.supervisor.reload_listener import ReloadListener
from django_tandem.runtime.supervisor.restart_policy import RestartPolicy
from django_tandem.runtime.supervisor.shift_programs import ShiftPrograms
from django_tandem.runtime.supervisor.shutdown import Shutdown
from django_tandem.runtime.supervisor.systemd_notifier import SystemdNotifier

DRAINER = "django_tandem.runtime.drain"


class GenerationsRpc:
    """The programs of all generations that supervisord knows."""

    def __init__(
        self,
        supervisord: Any,
        run_dir: Path,
        policy: RestartPolicy,
        shutdown: Shutdown,
        output: LogMultiplexer,
        *,
        probes: ProbeThread,
        notifier: SystemdNotifier,
        reload_listener: ReloadListener,
    ) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        self._policy = policy
        self._shutdown = shutdown
        self._output = output
        self._probes = probes
        self._notifier = notifier
        self._reload_listener = reload_listener
        self._drainer: subprocess.Popen[bytes] | None = None
        self._shifts = ShiftPrograms(run_dir, output)
        subscribe(events.Tick5Event, self._on_tick)

    def start(self, programs: list[str]) -> bool:
        """Start the programs as they are rendered; return whether each of them is."""
        rendered = self._group_configs()
        for program in programs:
            if program in rendered:
                self._supervisord.add_process_group(rendered[program])
        return all(program in rendered for program in programs)

    def end(self, program: str, within_s: int) -> bool:
        """
        Stop a program, and return whether it has ended.

        It gets ``within_s`` seconds, with 0 as many as its own stopwaitsecs.
        """
        group = self._supervisord.process_groups.get(program)
        if group is None:
            return True
        for process in group.get_unstopped_processes():
            process.config.stopwaitsecs = within_s or process.config.stopwaitsecs
        group.stop_all()
        return bool(self._supervisord.remove_process_group(program))

    def refresh(self) -> bool:
        """Apply a reload's commit to what keeps running: programs, log multiplexer and probes."""
        # NGINX and Valkey use a new command at their next start.
        for name, rendered in self._group_configs().items():
            group = self._supervisord.process_groups.get(name)
            for config in rendered.process_configs if group else ():
                process = group.processes[config.name]
                process.config.command = config.command
                process.config.directory = config.directory
                process.config.environment = config.environment
        state = read_state(self._run_dir)
        if state is not None:
            self._output.set_format(state.log_format)
            self._probes.listen(state.health)
            self._reload_listener.listen(state.reload_group)
        return True

    def start_drainer(self) -> bool:
        """Drain the old generations, in another process; return whether one was started."""
        if self._supervisord.options.mood < SupervisorStates.RUNNING or self._is_draining():
            return False
        self._drainer = subprocess.Popen(
            [*_nice(), live_python(self._run_dir), "-P", "-m", DRAINER, str(self._run_dir)],
            # supervisord's own directory may have been deleted, as that of an old release.
            cwd=self._run_dir,
            env=without_agents(os.environ),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        return True

    def start_shifter(self) -> bool:
        """Watch the shifts, in another process; return whether one was started."""
        is_running = self._supervisord.options.mood >= SupervisorStates.RUNNING
        return is_running and self._shifts.watch()

    def restarts(self) -> dict[str, int]:
        """Return how often each program was restarted, without those that never were."""
        return self._policy.restarts()

    def drain_at_stop(self, mode: str) -> bool:
        """Have the next stop end connections in this mode, instead of that of the settings."""
        self._shutdown.drain = DrainMode(mode)
        return True

    def ready(self) -> bool:
        """Notify systemd that the stack is ready; all its programs have passed their checks."""
        self._notifier.ready()
        return True

    def begin_reload(self) -> bool:
        """Notify systemd of a reload, whose lock the caller holds."""
        self._notifier.begin_reload()
        return True

    def end_reload(self) -> bool:
        """Notify systemd that the reload has ended, whichever generation is live."""
        self._notifier.end_reload()
        return True

    def give_up(self, program: str, because: str) -> bool:
        """Stop the stack, to end with exit code 1, since ``program`` failed to start."""
        self._policy.give_up(program, because)
        return True

    def _on_tick(self, _event: Any) -> None:
        # A reload that was killed leaves this to be found.
        self._notifier.end_killed_reload()
        self._find_abandoned()
        # Last: it may raise, as where the interpreter was removed.
        if self._supervisord.options.mood >= SupervisorStates.RUNNING:
            self._shifts.tick()

    def _find_abandoned(self) -> None:
        try:
            now = compare(self._run_dir, tuple(self._supervisord.process_groups))
        except MachineError:
            # A damaged state: every command reports it, and the programs keep running.
            return
        if now is None or lock.holder(self._run_dir, lock.RELOAD) is not None:
            return
        is_settled = not commit.is_proposed(self._run_dir)
        is_settled = is_settled and not commit.is_unfinished(self._run_dir)
        if not now.is_empty or not is_settled:
            self.start_drainer()

    def _is_draining(self) -> bool:
        return self._drainer is not None and self._drainer.poll() is None

    def _group_configs(self) -> dict[str, Any]:
        # While a reload has written a candidate, what is to start may be of either file.
        options = self._supervisord.options
        candidate = self._run_dir / commit.candidate(commit.SUPERVISOR_FILE)
        paths = [options.configfile, *([str(candidate)] if candidate.exists() else [])]
        configs = [options.read_config(path).process_group_configs for path in paths]
        return {config.name: config for each in configs for config in each}


def _nice() -> tuple[str, ...]:
    # The drainer starts as the new workers get their first requests. A program, because another
    # thread may hold a lock as subprocess forks.
    nice = shutil.which("nice")
    return (nice, "-n", str(priority.NICENESS)) if nice else ()
