"""What Python tells of an error: all of it, or only where it passed through the project."""

from collections.abc import Iterator
from pathlib import Path
from traceback import StackSummary, TracebackException

# A virtual environment may lie below the project.
INSTALLED = frozenset({"site-packages", "dist-packages"})


def whole(error: BaseException) -> str:
    """Return the traceback as Python prints it."""
    return "".join(TracebackException.from_exception(error).format()).rstrip()


def own(error: BaseException, directory: Path) -> str:
    """Return the traceback without what does not lie below ``directory``; empty if nothing does."""
    told = TracebackException.from_exception(error)
    is_own = isinstance(error, SyntaxError)
    for each in _chain(told):
        kept = [frame for frame in each.stack if _lies_below(directory, Path(frame.filename))]
        each.stack = StackSummary.from_list(kept)
        is_own = is_own or bool(kept)
    return "".join(told.format()).rstrip() if is_own else ""


def _chain(told: TracebackException) -> Iterator[TracebackException]:
    yield told
    for earlier in (told.__cause__, told.__context__):
        if earlier is not None:
            yield from _chain(earlier)


def _lies_below(directory: Path, path: Path) -> bool:
    return path.is_relative_to(directory) and INSTALLED.isdisjoint(path.parts)
