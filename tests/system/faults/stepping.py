"""
Runs `tandem` and kills itself with -9 before a step: ``python stepping.py reload``.

A step is a call that a line of the reload makes, the first time that this line makes it.
FAULTS_STEP names that one, or the function that it calls; FAULTS_STEPS names a file to write
them to as they come.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from django_tandem import atomic_files, output
from django_tandem.cli import main
from django_tandem.cli import reload as command
from django_tandem.runtime import candidates, commit, edge, links, lock, reload

# Whose lines are steps.
STEPPING = (command, atomic_files, candidates, commit, edge, links, lock, output, reload)
STEPPED = {module.__file__ for module in STEPPING}
# Calls that do something: into the project's own code, and into what changes files.
OURS = str(Path(reload.__file__).parents[1])
ON_DISK = {"replace", "rename", "unlink", "write_text", "write_bytes", "symlink_to", "open"}
# What only computes is no step: killed before it or after, the stack is the same.
PURE = {
    *("__init__", "<genexpr>", "<listcomp>", "<lambda>", "<dictcomp>", "<setcomp>"),
    *("candidate", "program", "links_of", "planned_state", "next_generation", "find"),
    *("render", "_with_socket", "_without", "_read_by_edge", "_is_new", "_content", "_unused_name"),
    *("stacks", "is_unfinished", "is_proposed", "_has_reloaded", "_is_retiring", "find_run_dir"),
}


class Steps:
    """Counts the steps, and kills this process before the given one."""

    def __init__(self, last: str, log: str) -> None:
        self._last = last
        self._log = log
        self._seen: list[str] = []

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        if event != "call" or frame.f_back is None:
            return
        caller, code = frame.f_back, frame.f_code
        if caller.f_code.co_filename not in STEPPED or not _is_step(frame):
            return
        step = f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno} {code.co_name}"
        if step in self._seen:
            return
        self._seen.append(step)
        if self._log:
            Path(self._log).write_text("\n".join(self._seen))
        if self._last in (step, code.co_name):
            os.kill(os.getpid(), signal.SIGKILL)


def _is_step(frame: FrameType) -> bool:
    code = frame.f_code
    if code.co_name in PURE:
        return False
    is_resumed = frame.f_lasti > 0 and bool(code.co_flags & 0x20)
    return not is_resumed and (code.co_filename.startswith(OURS) or code.co_name in ON_DISK)


if __name__ == "__main__":
    sys.setprofile(Steps(os.environ.get("FAULTS_STEP", ""), os.environ.get("FAULTS_STEPS", "")))
    sys.exit(main(sys.argv[1:]))
