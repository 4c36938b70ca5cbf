"""The running edge: which NGINX it is, and how it is made to read its file again."""

from pathlib import Path

import psutil

from django_tandem.errors import MachineError
from django_tandem.model import Nginx, programs
from django_tandem.runtime import supervisord
from django_tandem.runtime.host import read_nginx
from django_tandem.runtime.waiting import wait_until

DEADLINE_S = 10
# Short, for the links move only afterwards and the reload waits for it.
POLL_S = 0.02
# In the process title of an NGINX worker that takes no new connections.
RETIRING = "is shutting down"


def running_nginx(run_dir: Path) -> Nginx | None:
    """
    Return the NGINX that runs, even if its file was replaced or removed; None off Linux.

    A reload does not replace it: the file on disk may be another version, or in another place.
    """
    master = supervisord.pid_of(run_dir, programs.NGINX)
    try:
        return read_nginx(f"/proc/{master}/exe") if master else None
    except (OSError, MachineError):
        return None


def reload_edge(run_dir: Path) -> bool:
    """Have NGINX read its file, and wait until it has; return False if it keeps the old."""
    master = supervisord.pid_of(run_dir, programs.NGINX)
    if master is None:
        # It is being started, and will read the new file.
        return True
    before = {child.pid for child in _children(master)}
    supervisord.signal_program(run_dir, programs.NGINX, "HUP")
    return wait_until(lambda: _has_reloaded(master, before), DEADLINE_S, each_s=POLL_S)


def _has_reloaded(master: int, before: set[int]) -> bool:
    if not psutil.pid_exists(master):
        # It has ended, and is restarted with the new file.
        return True
    now = _children(master)
    old = [child for child in now if child.pid in before]
    return len(now) > len(old) and all(_is_retiring(child) for child in old)


def _children(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children())
    except psutil.NoSuchProcess:
        return []


def _is_retiring(process: psutil.Process) -> bool:
    try:
        return RETIRING in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return True
