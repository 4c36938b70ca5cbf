"""
The step after which a new generation serves, and what follows from it.

`state.json` says which generation serves. A reload writes what is to be in place of it as
candidates, `state.json.next` first; to commit is to rename that one. All else follows from
the state and can be done again at any time, by whoever finds it undone.
"""

import contextlib
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import psutil

from django_tandem import output
from django_tandem.model import File
from django_tandem.render import state as kept
from django_tandem.runtime import supervisord
from django_tandem.runtime.generations import generation_of
from django_tandem.runtime.sockets import link_all
from django_tandem.runtime.state import read_state

EDGE_FILE = "nginx.conf"
SUPERVISOR_FILE = "supervisord.conf"
EDGE = "nginx"
EDGE_DEADLINE_S = 10
POLL_S = 0.02
# By its title NGINX tells that a worker takes no new connections.
RETIRING = "is shutting down"


def candidate(name: str) -> str:
    """Return the name under which a file waits to take the place of ``name``."""
    return f"{name}.next"


def propose(files: Iterable[File], read_by_edge: Iterable[Path], run_dir: Path) -> None:
    """
    Write ``files`` as candidates, NGINX's own only when it has something new to read.

    ``read_by_edge`` are the files that it names: a certificate may have been renewed.
    """
    rendered = {file.name: file for file in files}
    # The state first: while it lies there, the others are known for uncommitted.
    for name in (kept.NAME, SUPERVISOR_FILE, EDGE_FILE):
        file = rendered.pop(name)
        if name != EDGE_FILE or _is_new(file, read_by_edge, run_dir):
            output.write([replace(file, name=candidate(name))], run_dir)
    # What is left, MIME types, is read by the edge when it reads its own file.
    output.write(rendered.values(), run_dir)


def _is_new(file: File, read_by_edge: Iterable[Path], run_dir: Path) -> bool:
    in_place = run_dir / file.name
    read_at = in_place.stat().st_mtime
    is_newer = any(path.stat().st_mtime > read_at for path in read_by_edge)
    return is_newer or in_place.read_text() != file.content


def is_proposed(run_dir: Path) -> bool:
    """Return whether candidates lie there that are not committed."""
    return (run_dir / candidate(kept.NAME)).exists()


def withdraw(run_dir: Path) -> None:
    """Remove the candidates of a reload that is refused, the state last."""
    for name in (EDGE_FILE, SUPERVISOR_FILE, kept.NAME):
        (run_dir / candidate(name)).unlink(missing_ok=True)


def commit(run_dir: Path) -> None:
    """Have the candidate's generation be the one that serves."""
    (run_dir / candidate(kept.NAME)).replace(run_dir / kept.NAME)


def is_unfinished(run_dir: Path) -> bool:
    """Return whether candidates were committed that are not in their places yet."""
    # In this order: a reload that begins in between writes the state first.
    waits = any((run_dir / candidate(name)).exists() for name in (EDGE_FILE, SUPERVISOR_FILE))
    return waits and not is_proposed(run_dir)


def finish(run_dir: Path) -> None:
    """
    Bring about what the state says: the edge's file, the links, supervisord's file.

    The edge before the links: a WebSocket that an old worker of NGINX took then belongs to
    an old generation, whose drain will end it, and the worker with it.
    """
    unfinished = is_unfinished(run_dir)
    if unfinished and (run_dir / candidate(EDGE_FILE)).exists():
        _move_edge(run_dir)
    state = read_state(run_dir)
    if state is not None:
        link_all(state, run_dir)
    if unfinished:
        with contextlib.suppress(FileNotFoundError):
            (run_dir / candidate(SUPERVISOR_FILE)).replace(run_dir / SUPERVISOR_FILE)


def forget_logs(run_dir: Path, generation: int) -> None:
    """Remove what the programs printed of generations before the last but ``generation``."""
    for log in run_dir.glob("*-*.log*"):
        if 0 < generation_of(log.name.partition(".")[0]) < generation - 1:
            log.unlink(missing_ok=True)


def _move_edge(run_dir: Path) -> None:
    proposed = run_dir / candidate(EDGE_FILE)
    output.write([File(name=EDGE_FILE, content=proposed.read_text())], run_dir)
    # Its time is that of the last reading.
    (run_dir / EDGE_FILE).touch()
    _reload_edge(run_dir)
    # Last, so that whoever is stopped on the way leaves it to be done again.
    proposed.unlink(missing_ok=True)


def _reload_edge(run_dir: Path) -> None:
    master = supervisord.pid_of(run_dir, EDGE)
    if master is None:
        # It is being started, and will read the new file.
        return
    before = {child.pid for child in _children(master)}
    supervisord.signal_program(run_dir, EDGE, "HUP")
    until = time.monotonic() + EDGE_DEADLINE_S
    while time.monotonic() < until and not _has_moved(master, before):
        time.sleep(POLL_S)


def _has_moved(master: int, before: set[int]) -> bool:
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
