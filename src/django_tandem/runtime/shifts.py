"""
The shifts of a run directory: `shifts.json`, and the split that the edge follows.

The split is the directory behind the link `diverted/shifts`: `STACK/ROUTE/METHOD/` in it has a file
for each percent of the clients whose requests of that route the stack gets. NGINX looks for the
file at each request, so that a change needs no reload: one rename of the link, or of the directory
of a method, which ends its split. A process that is killed leaves the split as it was before a
rename or after it.
"""

import json
import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from django_tandem.atomic_files import replace_file
from django_tandem.errors import RefusedError
from django_tandem.inprocess.access_log import header_text
from django_tandem.model import Plan, Stack
from django_tandem.model.shifts import Shift, ShiftState, SideFigures, route_id
from django_tandem.runtime import diverted, lock
from django_tandem.runtime.waiting import wait_until

NAME = "shifts.json"
# The link that NGINX follows, and what the names of the directories behind it begin with.
LINK = Path(diverted.DIRECTORY, "shifts")
NEW_LINK = ".shifts.new"
TREE = "shifts-"
# Bytes that the file has besides, for each shift: its end fits in there, with the reason.
RESERVED = 2048
# The program is a process of Python, and the machine may be busy.
WATCHED_S = 20
POLL_S = 0.02
# What the file raises where it can't be opened, or was damaged.
UNREADABLE = (OSError, ValueError, TypeError, KeyError)


def read(run_dir: Path) -> tuple[Shift, ...]:
    """Return the shifts of ``run_dir``; none where their file is missing or damaged."""
    try:
        return tuple(map(_shift, json.loads((run_dir / NAME).read_text())))
    except UNREADABLE:
        return ()


def needs_program(run_dir: Path) -> bool:
    """
    Return whether requests are split, or are to be.

    The edge writes a line for each of them, also once a shift is done. It follows a split whose
    file was damaged or removed, too.
    """
    return bool(split_of(read(run_dir)) or read_split(run_dir))


@contextmanager
def changing(run_dir: Path, *, is_watcher: bool = True) -> Iterator[list[Shift]]:
    """
    Yield the shifts of ``run_dir`` as a list, and apply it as the block has changed it.

    One process at a time, so that no change is lost; nothing is written after an exception. A
    command that begins a shift is not the watcher, which splits the requests once it runs.
    Raises RefusedError when another process keeps the lock.
    """
    with lock.held_for_change(run_dir, lock.SHIFTS, "the shifts"):
        before = read(run_dir)
        shifts = list(before)
        yield shifts
        split = split_of(shifts)
        if is_watcher:
            # First, as a full disk lets nothing be written.
            _end_splits(run_dir, split)
        # Also unchanged: a process that was killed may have left the split as it was before.
        is_stale = is_watcher and split != read_split(run_dir)
        if is_stale:
            # Before the file: a share that the disk has no room for is not in it either.
            _prepare_link(run_dir, split)
        if is_stale or tuple(shifts) != before:
            try:
                _write(run_dir, shifts)
            except OSError:
                # As on a full disk: the edge would look into the directory for each request.
                diverted.remove_if_empty(run_dir)
                raise
        if is_stale:
            _follow_link(run_dir)


def withdraw(run_dir: Path, shift: Shift, replaced: Iterable[Shift]) -> None:
    """Remove a shift that could not be started, and keep what it was to replace."""
    with changing(run_dir, is_watcher=False) as kept:
        kept[:] = [*(each for each in kept if each.route != shift.route), *replaced]


def wait_until_split(run_dir: Path, shift: Shift) -> None:
    """
    Return once the edge follows the shifts, since their program runs.

    Raises RefusedError, and aborts ``shift``, which nobody watches, when it fails to start.
    """
    if wait_until(lambda: split_of(read(run_dir)) == read_split(run_dir), WATCHED_S, each_s=POLL_S):
        return
    with changing(run_dir) as kept:
        reason = "Its program failed to start."
        kept[:] = [
            each.end(ShiftState.ABORTED, reason, time.time())
            if each.route == shift.route and each.is_watched
            else each
            for each in kept
        ]
    raise RefusedError(
        f"The program that compares both sides failed to start, so {shift.route} is not shifted.",
        hint="`tandem logs shift` shows why.",
    )


def split_of(shifts: Iterable[Shift]) -> frozenset[tuple[str, str, str, int]]:
    """Return the stack, route, method and percent of each split of ``shifts``."""
    return frozenset(
        (each.to.value, route_id(header_text(each.route)), method, each.percent)
        for each in shifts
        if each.percent
        for method in each.methods
    )


def read_split(run_dir: Path) -> frozenset[tuple[str, str, str, int]]:
    """Return the stack, route, method and percent of each split that the edge follows."""
    return frozenset(
        (*method.parts[-3:], sum(1 for _ in method.iterdir()))  # type: ignore[misc]
        for method in (run_dir / LINK).glob("*/*/*")
    )


def _prepare_link(run_dir: Path, split: Iterable[tuple[str, str, str, int]]) -> None:
    tree = _make_tree(run_dir, split)
    # A directory takes space too, as the files of the tree do.
    diverted.make(run_dir)
    temporary = run_dir / NEW_LINK
    temporary.unlink(missing_ok=True)
    # Relative to the directory in which the link will be.
    temporary.symlink_to(Path(os.pardir, tree.name))


def _follow_link(run_dir: Path) -> None:
    link = run_dir / LINK
    old = link.readlink().name if link.is_symlink() else None
    diverted.place(run_dir / NEW_LINK, link)
    if old is not None:
        shutil.rmtree(run_dir / old, ignore_errors=True)


def _end_splits(run_dir: Path, split: Iterable[tuple[str, str, str, int]]) -> None:
    """Remove what ``split`` no longer has, of all routes or of some: that needs no space."""
    link = run_dir / LINK
    kept = {each[:3] for each in split}
    if not kept and link.is_symlink():
        old = run_dir / link.readlink().name
        link.unlink()
        shutil.rmtree(old, ignore_errors=True)
    if not kept:
        # Also after a process that was killed in between.
        diverted.remove_if_empty(run_dir)
    gone = run_dir / f"{TREE}gone"
    for stack, route, method, _ in read_split(run_dir):
        if (stack, route, method) not in kept:
            shutil.rmtree(gone, ignore_errors=True)
            (link / stack / route / method).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)


def _make_tree(run_dir: Path, split: Iterable[tuple[str, str, str, int]]) -> Path:
    current = run_dir / LINK
    name = current.readlink().name if current.is_symlink() else ""
    # Two are enough, and what a killed process has left of the other is removed.
    tree = run_dir / (f"{TREE}2" if name == f"{TREE}1" else f"{TREE}1")
    shutil.rmtree(tree, ignore_errors=True)
    for stack, route, method, percent in split:
        directory = tree / stack / route / method
        directory.mkdir(parents=True)
        for number in range(percent):
            (directory / f"{number:02}").touch()
    return tree


def renew(plan: Plan) -> list[str]:
    """
    Fit the shifts to the routes of ``plan``; return a note on each that splits requests.

    A route that is gone, or that the project has on the stack now, is shifted no longer.
    """
    run_dir = Path(plan.run_dir)
    if not (run_dir / NAME).exists() and not (run_dir / LINK).is_symlink():
        return []
    homes = {each.route.pattern: each.stack for each in reversed(plan.verdicts)}
    with changing(run_dir) as shifts:
        renewed = [_renewed(each, homes.get(each.route), plan) for each in shifts]
        shifts[:] = [shift for shift, _ in renewed if shift is not None]
    return [note for _, note in renewed if note]


def _renewed(shift: Shift, home: Stack | None, plan: Plan) -> tuple[Shift | None, str]:
    """Return the shift as it is in ``plan``, None if it is over, and the note on it."""
    if not shift.percent:
        return shift, ""
    name = shift.to.upper()
    if home is shift.to:
        return None, f'The project has "{shift.route}" on {name} now: its shift is over.'
    why = _why_over(shift, home, plan)
    if why:
        ended = shift.end(ShiftState.ABORTED, why, time.time())
        return ended, f'The shift of "{shift.route}" has ended: {why}'
    return shift, f'"{shift.route}" is shifted to {name} for {shift.percent} % of its clients.'


def _why_over(shift: Shift, home: Stack | None, plan: Plan) -> str:
    if home is None:
        return "The project no longer has this route."
    if not plan.can_shift:
        return "The stack has no monitor, or one stack alone."
    return ""


def _write(run_dir: Path, shifts: Collection[Shift]) -> None:
    path = run_dir / NAME
    text = json.dumps([asdict(each) for each in shifts], indent=1).encode()
    room = path.stat().st_size if path.exists() else 0
    try:
        replace_file(path, text + b" " * (RESERVED * len(shifts)))
    except OSError:
        if len(text) > room:
            raise
        # A full disk lets a file be written over. A kill in between damages it: that means 0 %.
        with path.open("r+b", buffering=0) as file:
            file.write(text.ljust(room))


def _shift(kept: dict[str, Any]) -> Shift:
    # JSON has neither tuples nor enums, and another version may have written other fields.
    known = {each.name for each in fields(Shift)}
    tuples = {name: tuple(value) for name, value in kept.items() if isinstance(value, list)}
    read_as = {
        "to": Stack(kept["to"]),
        "home": Stack(kept["home"]),
        "state": ShiftState(kept["state"]),
        "at_home": SideFigures(**kept["at_home"]),
        "on_trial": SideFigures(**kept["on_trial"]),
    }
    found = {**kept, **tuples, **read_as}
    return Shift(**{name: value for name, value in found.items() if name in known})
