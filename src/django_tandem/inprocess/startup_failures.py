"""Records why a project could not be loaded: some servers retry forever, and don't log it."""

import contextlib
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

from django_tandem import environment
from django_tandem.model import Stack


def read_startup_failure(run_dir: Path, program: str) -> str:
    """Return the traceback with which ``program`` failed to load the project, or nothing."""
    try:
        return _path(run_dir, program).read_text()
    except OSError:
        return ""


def failed_at(run_dir: Path, program: str) -> float | None:
    """Return the time of the last failure, in seconds since the epoch; None without one."""
    try:
        return _path(run_dir, program).stat().st_mtime
    except OSError:
        return None


def clear_startup_failure(run_dir: Path, program: str) -> None:
    """Remove the traceback of an earlier program of that name."""
    _path(run_dir, program).unlink(missing_ok=True)


@contextlib.contextmanager
def record_startup_failure(stack: Stack) -> Iterator[None]:
    """Write the traceback to the run directory when the project fails to load, and re-raise."""
    try:
        yield
    except BaseException:
        run_dir = os.environ.get(environment.RUN_DIR)
        if run_dir:
            program = f"{stack}-{os.environ.get(environment.GENERATION)}"
            # The run directory may have been removed.
            with contextlib.suppress(OSError):
                _write(_path(Path(run_dir), program), traceback.format_exc())
        raise


def _path(run_dir: Path, program: str) -> Path:
    return run_dir / f"{program}.failed"


def _write(path: Path, text: str) -> None:
    # Replaced whole, as it is read at any moment. Each process of a server writes its own.
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.touch(0o600)
    new.write_text(text)
    new.replace(path)
