"""What a reload has supervisord do: start programs, forget them, and let no other linger."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.states import SupervisorStates

from django_tandem.runtime import commit, lock
from django_tandem.runtime.generations import to_end, to_start
from django_tandem.runtime.state import read_state


def make_generations(supervisord: Any) -> "Generations":
    """Return the methods that are called as ``generations.*`` over XML-RPC."""
    return Generations(supervisord, Path(supervisord.options.here))


class Generations:
    """The programs of all generations, as far as supervisord knows them."""

    def __init__(self, supervisord: Any, run_dir: Path) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        self._drainer: subprocess.Popen[bytes] | None = None
        events.subscribe(events.Tick5Event, self._tick)

    def start(self, programs: list[str]) -> bool:
        """Start the programs as the candidate for supervisord.conf has them, or the file itself."""
        for config in self._rendered():
            if config.name in programs:
                self._supervisord.add_process_group(config)
        return True

    def end(self, program: str, within_s: int) -> bool:
        """Stop a program, which gets ``within_s`` seconds; return whether it has ended."""
        group = self._supervisord.process_groups.get(program)
        if group is None:
            return True
        for process in group.get_unstopped_processes():
            process.config.stopwaitsecs = within_s
        group.stop_all()
        return bool(self._supervisord.remove_process_group(program))

    def sweep(self) -> bool:
        """End what no longer serves, in a process of its own; return whether one was started."""
        if self._supervisord.options.mood < SupervisorStates.RUNNING or self._is_sweeping():
            return False
        self._drainer = subprocess.Popen(
            [sys.executable, "-P", "-m", "django_tandem.runtime.drainer", str(self._run_dir)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        return True

    def _tick(self, _event: Any) -> None:
        # A reload that was killed on its way leaves this to be found.
        is_reloading = lock.holder(self._run_dir, lock.RELOAD) is not None
        state = read_state(self._run_dir)
        if is_reloading or state is None:
            return
        running = list(self._supervisord.process_groups)
        is_even = not to_end(state, running, is_reloading=False) and not to_start(state, running)
        if not is_even or commit.is_unfinished(self._run_dir):
            self.sweep()

    def _is_sweeping(self) -> bool:
        return self._drainer is not None and self._drainer.poll() is None

    def _rendered(self) -> Any:
        options = self._supervisord.options
        candidate = self._run_dir / commit.candidate("supervisord.conf")
        path = str(candidate) if candidate.exists() else options.configfile
        return options.read_config(path).process_group_configs
