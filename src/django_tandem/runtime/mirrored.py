"""
The mirror of a run directory: the route whose requests the edge copies, and the report of it.

The edge looks for a file in the directory `diverted/mirrored` at each request, so that a mirror
begins and ends with no reload. Where the mirror was killed, the copies find no socket, and no
client notices.
"""

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from django_tandem.atomic_files import replace_file
from django_tandem.inprocess.access_log import header_text
from django_tandem.mirror import MirrorReport
from django_tandem.mirror.findings import report_from_json
from django_tandem.model import Stack
from django_tandem.model.shifts import route_id
from django_tandem.runtime import diverted, lock

NAME = "mirror.json"
DIRECTORY = Path(diverted.DIRECTORY, "mirrored")
METHOD = "GET"
# What the file raises where it can't be opened, or was damaged.
UNREADABLE = (OSError, ValueError, TypeError, KeyError)


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorRun:
    """
    One mirror of a route, and what it has compared.

    The stack ``home`` answers the clients, and ``to`` is compared with it. Times are in seconds
    since the epoch; ``ended_s`` is None while it runs.
    """

    route: str
    home: Stack
    to: Stack
    began_s: float
    until_s: float
    ended_s: float | None = None
    report: MirrorReport = MirrorReport()

    def as_json(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def begin(run_dir: Path, route: str) -> None:
    """Have the edge send copies of the requests for ``route``, and of no other."""
    new = run_dir / f".{DIRECTORY.name}.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    (new / f"{METHOD}-{route_id(header_text(route))}").touch()
    end(run_dir)
    diverted.place(new, run_dir / DIRECTORY)


def end(run_dir: Path) -> None:
    """Have the edge send no copies."""
    shutil.rmtree(run_dir / DIRECTORY, ignore_errors=True)
    diverted.remove_if_empty(run_dir)


def end_abandoned(run_dir: Path) -> None:
    """End what a mirror that was killed has left: copies that no socket takes."""
    if (run_dir / DIRECTORY).exists() and lock.holder(run_dir, lock.MIRROR) is None:
        end(run_dir)


def write(run_dir: Path, run: MirrorRun) -> None:
    """Write the run; only the user of the stack may read its examples."""
    replace_file(run_dir / NAME, json.dumps(run.as_json()))


def read(run_dir: Path) -> MirrorRun | None:
    """Return the last run; None without one, and where its file is damaged."""
    try:
        kept = json.loads((run_dir / NAME).read_text())
        found = MirrorRun(**{**kept, "report": report_from_json(kept["report"])})
        run = replace(found, home=Stack(found.home), to=Stack(found.to))
        if run.ended_s is None and lock.holder(run_dir, lock.MIRROR) is None:
            # It was killed after this.
            return replace(run, ended_s=(run_dir / NAME).stat().st_mtime)
    except UNREADABLE:
        return None
    return run
