"""The changes of a project's files, as they are saved."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import watchfiles
from watchfiles._rust_notify import WatchfilesRustInternalError

from django_tandem.runtime.sources import Sources

# What is saved within this time of another is one change: an editor's own formatter, say.
QUIET_MS = 200
LONGEST_MS = 2000
# So many files are named in one line.
NAMED = 3

# What files that can't be watched raise: the kernel's number of watches is one user's share.
UNWATCHED = (OSError, WatchfilesRustInternalError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The process that started this one, as a stop event: set once it has ended."""

    pid: int

    def is_set(self) -> bool:
        """Return whether it has ended, as of a threading.Event."""
        return os.getppid() != self.pid


def changes(sources: Sources, parent: Parent) -> Iterator[list[Path]]:
    """
    Yield the files that changed, relative to the project, until ``parent`` ends.

    None of them when nothing changed for a while, the first time as soon as it watches.
    """
    found = watchfiles.watch(
        sources.directory,
        watch_filter=lambda _change, path: sources.has(Path(path)),
        debounce=LONGEST_MS,
        step=QUIET_MS,
        rust_timeout=QUIET_MS,
        yield_on_timeout=True,
        stop_event=parent,
    )
    for batch in found:
        yield sorted({Path(path).relative_to(sources.directory) for _change, path in batch})


def told(changed: list[Path]) -> str:
    """Name what changed, in one line."""
    named = ", ".join(map(str, changed[:NAMED]))
    more = len(changed) - NAMED
    return f"changed: {named}{f' and {more} more' if more > 0 else ''}; reloading"
