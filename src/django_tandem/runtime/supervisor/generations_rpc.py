"""
What `tandem reload` and `tandem status` call over XML-RPC, as ``tandem.start`` and so on.

It starts and stops the programs of generations, the drainer and the watcher of the shifts. It runs
in supervisord's own loop, and may call nothing that calls supervisord.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from supervisor.states import SupervisorStates

from django_tandem.model import DrainMode
from django_tandem.model.state import State
from django_tandem.runtime import candidates
from django_tandem.runtime.state import read_state
from django_tandem.runtime.supervisor.plugin_processes import Drainer, ShiftPrograms
from django_tandem.runtime.supervisor.restart_policy import RestartPolicy
from django_tandem.runtime.supervisor.shutdown import Shutdown
from django_tandem.runtime.supervisor.systemd_notifier import SystemdNotifier


class GenerationsRpc:
    """The programs of all generations that supervisord knows."""

    def __init__(
        self,
        supervisord: Any,
        run_dir: Path,
        *,
        apply: Callable[[State], None],
        drainer: Drainer,
        notifier: SystemdNotifier,
        policy: RestartPolicy,
        shifts: ShiftPrograms,
        shutdown: Shutdown,
    ) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        self._apply = apply
        self._drainer = drainer
        self._notifier = notifier
        self._policy = policy
        self._shifts = shifts
        self._shutdown = shutdown

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
        """Apply a reload's commit to what keeps running: the programs, and the plugin itself."""
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
            self._apply(state)
        return True

    def start_drainer(self) -> bool:
        """Drain the old generations, in another process."""
        self._drainer.start_soon()
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

    def _group_configs(self) -> dict[str, Any]:
        # While a reload has written a candidate, what is to start may be of either file.
        options = self._supervisord.options
        candidate = self._run_dir / candidates.candidate(candidates.SUPERVISOR_FILE)
        paths = [options.configfile, *([str(candidate)] if candidate.exists() else [])]
        configs = [options.read_config(path).process_group_configs for path in paths]
        return {config.name: config for each in configs for config in each}
