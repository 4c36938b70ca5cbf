"""The sockets of a run directory: the links that lead to them, and what a stop leaves behind."""

import os
from fnmatch import fnmatch
from pathlib import Path

from django_tandem.model import Stack
from django_tandem.render.state import State

# The program that can't be kept up, and why: in its shutdown supervisord itself tells no more.
FAILED = "failed"
# There once all that was started has answered.
PROVED = "proved"

LINKS = tuple(f"{stack}.sock" for stack in Stack)

# What a stop leaves behind, and nothing of anybody else's.
OURS = (
    *("wsgi.sock", "wsgi-*.sock", "asgi.sock", "asgi-*.sock", "valkey.sock"),
    *("supervisor.sock", "supervisor.sock.*", "supervisord.pid", "nginx.pid", "handovers.*"),
    *(PROVED, "drain-[0-9]*", "*.next", "wsgi-*.failed", "asgi-*.failed"),
)


def links_of(state: State) -> dict[str, str]:
    """Return where each stack's link leads: ``wsgi.sock`` to ``wsgi-2.sock``."""
    return {
        f"{process.name}.sock": f"{process.program}.sock"
        for process in state.processes
        if process.stack and process.socket
    }


def link_new(state: State, run_dir: Path) -> None:
    """Make the links that do not exist yet: of a stack that nobody has asked for so far."""
    for name, target in links_of(state).items():
        if not (run_dir / name).is_symlink():
            _link(run_dir / name, target)


def link_all(state: State, run_dir: Path) -> None:
    """Point each stack's link at the generation that ``state`` says serves, and no other."""
    wanted = links_of(state)
    for name in LINKS:
        if name in wanted:
            _link(run_dir / name, wanted[name])
        else:
            (run_dir / name).unlink(missing_ok=True)


def linked(run_dir: Path) -> set[str]:
    """Return the programs that new connections are led to."""
    links = [run_dir / name for name in LINKS]
    return {link.readlink().stem for link in links if link.is_symlink()}


def _link(path: Path, target: str) -> None:
    # In one step, so that no connection finds none.
    if path.is_symlink() and path.readlink() == Path(target):
        return
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)


def clean(run_dir: Path) -> None:
    """Remove the sockets, their links and the pid files that a stop leaves behind."""
    # Not Path.glob(), which overlooks a link whose target is gone.
    for name in os.listdir(run_dir):  # noqa: PTH208
        if any(fnmatch(name, pattern) for pattern in OURS):
            (run_dir / name).unlink(missing_ok=True)
