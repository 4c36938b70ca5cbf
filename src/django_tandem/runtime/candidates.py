"""
The candidates of a reload: the files of the next generation, next to those in place.

`state.json.next` is written first and committed first, and `supervisord.conf.next` is moved last.
So the files that are there show how far a reload had come that was killed:

    state.json.next   supervisord.conf.next
    there             there or not            proposed: not committed, and a recovery removes both
    gone              there                   unfinished: committed, and a recovery moves the rest
    gone              gone                    nothing is left to do
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from django_tandem import output
from django_tandem.model import MONITOR_FILE, File
from django_tandem.model.state import STATE_FILE

EDGE_FILE = "nginx.conf"
# NGINX's file before the reload, until NGINX has accepted the new one.
PREVIOUS_EDGE_FILE = f"{EDGE_FILE}.previous"
SUPERVISOR_FILE = "supervisord.conf"
MIME_FILE = "mime.types"


def candidate(name: str) -> str:
    """Return the name of the candidate for the file ``name``."""
    return f"{name}.next"


def write_candidates(files: Iterable[File], read_by_edge: Iterable[Path], run_dir: Path) -> None:
    """
    Write ``files`` as candidates, NGINX's own only when it has something new to read.

    ``read_by_edge`` are the files that NGINX's file names: a certificate may have been renewed.
    """
    rendered = {file.name: file for file in files}
    # The state first: as long as it is there, the others are known to be uncommitted.
    names = (STATE_FILE, SUPERVISOR_FILE, MONITOR_FILE, MIME_FILE, EDGE_FILE)
    for file in (rendered[name] for name in names if name in rendered):
        if file.name != EDGE_FILE or _is_new(file, read_by_edge, run_dir):
            output.write([replace(file, name=candidate(file.name))], run_dir)


def _is_new(file: File, read_by_edge: Iterable[Path], run_dir: Path) -> bool:
    in_place = run_dir / file.name
    read_at = in_place.stat().st_mtime
    # Not the time of modification, which a copy may preserve.
    is_newer = any(path.stat().st_ctime > read_at for path in read_by_edge)
    return is_newer or in_place.read_text() != file.content


def is_proposed(run_dir: Path) -> bool:
    """Return whether there are candidates that are not committed."""
    return (run_dir / candidate(STATE_FILE)).exists()


def remove_candidates(run_dir: Path) -> None:
    """Remove the candidates of a reload that failed, the state last."""
    for name in (EDGE_FILE, MIME_FILE, MONITOR_FILE, SUPERVISOR_FILE, STATE_FILE):
        (run_dir / candidate(name)).unlink(missing_ok=True)


def is_unfinished(run_dir: Path) -> bool:
    """Return whether candidates were committed that are not in their places yet."""
    # In this order: a reload that begins in between writes the state first.
    waits = (run_dir / candidate(SUPERVISOR_FILE)).exists()
    return waits and not is_proposed(run_dir)
