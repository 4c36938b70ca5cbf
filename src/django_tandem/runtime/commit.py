"""
The commit of a reload, and what follows from it.

`state.json` names the live generation. A reload commits by renaming the candidate of that file
(candidates.py). All else follows from the state: any process that holds the reload's lock can
finish what a killed reload has left unfinished. Not supervisord's own, which `finish` calls.
"""

import os
import shutil
from pathlib import Path

from django_tandem.atomic_files import replacing, sync_directory
from django_tandem.model import MONITOR_FILE
from django_tandem.model.state import STATE_FILE
from django_tandem.runtime import supervisord
from django_tandem.runtime.candidates import (
    EDGE_FILE,
    MIME_FILE,
    PREVIOUS_EDGE_FILE,
    SUPERVISOR_FILE,
    candidate,
    is_proposed,
    is_unfinished,
    remove_candidates,
)
from django_tandem.runtime.edge import reload_edge
from django_tandem.runtime.links import add_links, move_links
from django_tandem.runtime.state import read_state


def commit(run_dir: Path) -> None:
    """Make the candidate's generation the live one."""
    (run_dir / candidate(STATE_FILE)).replace(run_dir / STATE_FILE)
    sync_directory(run_dir)


def recover(run_dir: Path) -> None:
    """Undo what a killed reload had begun, or finish what it had committed."""
    if is_proposed(run_dir):
        remove_candidates(run_dir)
    elif is_unfinished(run_dir):
        finish(run_dir)


def finish(run_dir: Path) -> bool:
    """
    Apply the state: NGINX's file, the links, supervisord's file.

    NGINX before the links: a WebSocket that an old worker of NGINX carries then belongs to an
    old generation, whose drain will end it, and the worker with it. Returns False when NGINX
    keeps the file that it had.
    """
    state = read_state(run_dir)
    if state is None:
        return True
    # The sockets that NGINX's new file names must exist before NGINX reads it.
    add_links(state, run_dir)
    _move(MIME_FILE, run_dir)
    _move(MONITOR_FILE, run_dir)
    has_reloaded = _move_edge(run_dir)
    move_links(state, run_dir)
    supervisord.refresh(run_dir)
    # Last: as long as this candidate is there, the commit is known to be unfinished.
    _move(SUPERVISOR_FILE, run_dir)
    return has_reloaded


def _move(name: str, run_dir: Path) -> None:
    if (run_dir / candidate(name)).exists():
        (run_dir / candidate(name)).replace(run_dir / name)


def _move_edge(run_dir: Path) -> bool:
    proposed, in_place = run_dir / candidate(EDGE_FILE), run_dir / EDGE_FILE
    previous = run_dir / PREVIOUS_EDGE_FILE
    if not proposed.exists():
        return True
    if not previous.exists():
        _copy(in_place, previous)
    _copy(proposed, in_place)
    # Its time is that of the last reading.
    in_place.touch()
    has_reloaded = reload_edge(run_dir)
    if not has_reloaded:
        # NGINX would read it at its next start.
        previous.replace(in_place)
    previous.unlink(missing_ok=True)
    # After the reading: if this process is killed before, NGINX is reloaded once more.
    proposed.unlink()
    return has_reloaded


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as new:
        try:
            # A hard link needs no space: after the commit, a full disk must not stop the move.
            os.link(source, new)
        except OSError:
            shutil.copy2(source, new)
