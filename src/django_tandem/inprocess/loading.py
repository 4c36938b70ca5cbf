"""Why a server could not load the project, told past servers that try for ever and don't say."""

import contextlib
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

from django_tandem.inprocess.draining import GENERATION_VARIABLE, RUN_DIR_VARIABLE
from django_tandem.model import Stack


def failure(run_dir: Path, program: str) -> str:
    """Return the traceback with which ``program`` failed to load the project, or nothing."""
    try:
        return _path(run_dir, program).read_text()
    except OSError:
        return ""


def forget(run_dir: Path, program: str) -> None:
    """Remove what an earlier program of that name left."""
    _path(run_dir, program).unlink(missing_ok=True)


@contextlib.contextmanager
def telling(stack: Stack) -> Iterator[None]:
    """Leave the traceback in the run directory when the project fails to load, and raise it on."""
    try:
        yield
    except BaseException:
        run_dir = os.environ.get(RUN_DIR_VARIABLE)
        if run_dir:
            program = f"{stack}-{os.environ.get(GENERATION_VARIABLE)}"
            # The run directory may be going away, too.
            with contextlib.suppress(OSError):
                _write(_path(Path(run_dir), program), traceback.format_exc())
        raise


def _path(run_dir: Path, program: str) -> Path:
    return run_dir / f"{program}.failed"


def _write(path: Path, text: str) -> None:
    # Whole or not at all: it is looked for at any moment. Each process of a server writes its own.
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.touch(0o600)
    new.write_text(text)
    new.replace(path)
