"""
The step after which a new generation serves, and what follows from it.

`state.json` says which generation serves. A reload writes what is to be in place of it as
candidates, `state.json.next` first; to commit is to rename that one. All else follows from
the state and can be done again at any time, by whoever holds the reload's lock and finds it
undone.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from django_tandem import output
from django_tandem.model import File
from django_tandem.render import state as kept
from django_tandem.runtime.edge import EDGE_FILE, reload_edge
from django_tandem.runtime.sockets import link_all, link_new
from django_tandem.runtime.state import read_state

SUPERVISOR_FILE = "supervisord.conf"
MIME_FILE = "mime.types"


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
    for name in (kept.NAME, SUPERVISOR_FILE, MIME_FILE, EDGE_FILE):
        file = rendered[name]
        if name != EDGE_FILE or _is_new(file, read_by_edge, run_dir):
            output.write([replace(file, name=candidate(name))], run_dir)


def _is_new(file: File, read_by_edge: Iterable[Path], run_dir: Path) -> bool:
    in_place = run_dir / file.name
    read_at = in_place.stat().st_mtime
    # Not by the time of their content, which a copy may keep.
    is_newer = any(path.stat().st_ctime > read_at for path in read_by_edge)
    return is_newer or in_place.read_text() != file.content


def is_proposed(run_dir: Path) -> bool:
    """Return whether candidates lie there that are not committed."""
    return (run_dir / candidate(kept.NAME)).exists()


def withdraw(run_dir: Path) -> None:
    """Remove the candidates of a reload that is refused, the state last."""
    for name in (EDGE_FILE, MIME_FILE, SUPERVISOR_FILE, kept.NAME):
        (run_dir / candidate(name)).unlink(missing_ok=True)


def commit(run_dir: Path) -> None:
    """Have the candidate's generation be the one that serves."""
    (run_dir / candidate(kept.NAME)).replace(run_dir / kept.NAME)


def is_unfinished(run_dir: Path) -> bool:
    """Return whether candidates were committed that are not in their places yet."""
    # In this order: a reload that begins in between writes the state first.
    waits = (run_dir / candidate(SUPERVISOR_FILE)).exists()
    return waits and not is_proposed(run_dir)


def settle(run_dir: Path) -> None:
    """Undo what a reload that was killed had begun, or finish what it had committed."""
    if is_proposed(run_dir):
        withdraw(run_dir)
    elif is_unfinished(run_dir):
        finish(run_dir)


def finish(run_dir: Path) -> bool:
    """
    Bring about what the state says: the edge's file, the links, supervisord's file.

    The edge before the links: a WebSocket that an old worker of NGINX took then belongs to
    an old generation, whose drain will end it, and the worker with it. Returns False when
    NGINX keeps the file that it had.
    """
    state = read_state(run_dir)
    if state is None:
        return True
    # What the edge may ask for from now on must be there.
    link_new(state, run_dir)
    _move(MIME_FILE, run_dir)
    has_moved = _move_edge(run_dir)
    link_all(state, run_dir)
    # Last: as long as it waits, all of this is known for unfinished.
    _move(SUPERVISOR_FILE, run_dir)
    return has_moved


def _move(name: str, run_dir: Path) -> None:
    if (run_dir / candidate(name)).exists():
        (run_dir / candidate(name)).replace(run_dir / name)


def _move_edge(run_dir: Path) -> bool:
    proposed, in_place = run_dir / candidate(EDGE_FILE), run_dir / EDGE_FILE
    if not proposed.exists():
        return True
    before = in_place.read_text()
    output.write([File(name=EDGE_FILE, content=proposed.read_text())], run_dir)
    # Its time is that of the last reading.
    in_place.touch()
    has_moved = reload_edge(run_dir)
    if not has_moved:
        # It is what NGINX would start with next.
        output.write([File(name=EDGE_FILE, content=before)], run_dir)
    # After the reading, so that whoever is stopped on the way leaves it to be done again.
    proposed.unlink()
    return has_moved
