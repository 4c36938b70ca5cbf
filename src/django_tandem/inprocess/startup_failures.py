"""Records why a project could not be loaded: some servers retry forever, and don't log it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from traceback import StackSummary, TracebackException

from django_tandem import environment
from django_tandem.atomic_files import replace_file
from django_tandem.model import Stack

# A virtual environment may lie below the project.
INSTALLED = frozenset({"site-packages", "dist-packages"})
# So many variables are named in full.
NAMED = 5
# What is printed of a program that recorded such a failure.
CANNOT_LOAD = "it can't load the project"


def failure_name(program: str) -> str:
    """Return the name of the file with the traceback of ``program``, or a pattern for a pattern."""
    return f"{program}.failed"


def read_startup_failure(run_dir: Path, program: str) -> str:
    """Return the traceback with which ``program`` failed to load the project, or nothing."""
    try:
        return _path(run_dir, program).read_text()
    except OSError:
        return ""


def clear_startup_failure(run_dir: Path, program: str) -> None:
    """Remove the traceback of an earlier program of that name."""
    _path(run_dir, program).unlink(missing_ok=True)


def clear_startup_failures(run_dir: Path) -> None:
    """Remove the tracebacks of an earlier start."""
    for path in run_dir.glob(failure_name("*")):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def record_startup_failure(stack: Stack) -> Iterator[None]:
    """Write the traceback to the run directory when the project fails to load, and re-raise."""
    try:
        yield
    except BaseException as error:
        run_dir = os.environ.get(environment.RUN_DIR)
        if run_dir:
            name = os.environ.get(environment.PROGRAM) or stack
            program = f"{name}-{os.environ.get(environment.GENERATION)}"
            # The run directory may have been removed.
            with contextlib.suppress(OSError):
                replace_file(_path(Path(run_dir), program), _explained(error, stack))
        raise


def _explained(error: BaseException, stack: Stack) -> str:
    whole = "".join(TracebackException.from_exception(error).format()).rstrip()
    return "\n".join(filter(None, [own_traceback(error, Path.cwd()) or whole, _not_set(stack)]))


def _not_set(stack: Stack) -> str:
    """Return which variables only manage.py sets, as from a .env that the servers do not read."""
    names = filter(None, os.environ.get(environment.MANAGE_PY_SETS, "").split(","))
    missing = [name for name in names if name not in os.environ]
    if not missing:
        return ""
    more = [f"{len(missing) - NAMED} more"] if len(missing) > NAMED else []
    *others, last = [*missing[:NAMED], *more]
    listed = f"{', '.join(others)} and {last}" if others else last
    variable = environment.ASGI_APPLICATION if stack is Stack.ASGI else environment.WSGI_APPLICATION
    dotted = os.environ.get(variable) or f"{stack}.application"
    file = f"{dotted.rpartition('.')[0].replace('.', '/')}.py"
    return (
        f"manage.py sets {listed}; {file} does not. Load them in the settings, or in asgi.py and "
        "wsgi.py too."
    )


def own_traceback(error: BaseException, directory: Path) -> str:
    """Return the traceback without frames outside ``directory``; empty when none is left."""
    found = TracebackException.from_exception(error)
    is_own = isinstance(error, SyntaxError)
    for each in _chain(found):
        kept = [frame for frame in each.stack if _lies_below(directory, Path(frame.filename))]
        each.stack = StackSummary.from_list(kept)
        is_own = is_own or bool(kept)
    return "".join(found.format()).rstrip() if is_own else ""


def _chain(found: TracebackException) -> Iterator[TracebackException]:
    yield found
    for earlier in (found.__cause__, found.__context__):
        if earlier is not None:
            yield from _chain(earlier)


def _lies_below(directory: Path, path: Path) -> bool:
    return path.is_relative_to(directory) and INSTALLED.isdisjoint(path.parts)


def _path(run_dir: Path, program: str) -> Path:
    return run_dir / failure_name(program)
