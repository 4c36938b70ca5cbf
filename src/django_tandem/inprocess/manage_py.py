"""
What manage.py does before it runs a command: load a .env, extend sys.path, install an importer.

A project may depend on it, so tandem runs the file up to the point where Django takes over.
"""

import contextlib
import os
import runpy
import site
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from django.core.management import ManagementUtility

from django_tandem import environment


class _DjangoReached(BaseException):
    """manage.py has finished its own set-up, and starts Django's command line."""


def run_manage_py(path: Path, arguments: Sequence[str] = ()) -> tuple[str, ...]:
    """
    Run manage.py in this process up to Django's command line; return what it adds to sys.path.

    ``arguments`` follow its name in sys.argv. Its output goes to stderr. Raises what it raises.
    """
    if _is_main(path):
        return _added_by_main(path)
    # As Python does for a script.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    before = list(sys.path)
    with _called_as(path, arguments), _stopped_at_django(), contextlib.redirect_stdout(sys.stderr):
        runpy.run_path(str(path), run_name="__main__")
    return tuple(each for each in sys.path if each not in before)


def run_named_manage_py() -> None:
    """Run the manage.py that the environment of a served process names, if it names one."""
    path = os.environ.get(environment.MANAGE_PY)
    if path:
        run_manage_py(Path(path))


def _is_main(path: Path) -> bool:
    # `python manage.py tandem …`: it has run already.
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return main is not None and Path(main).resolve() == path.resolve()


def _added_by_main(path: Path) -> tuple[str, ...]:
    known = {str(path.parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    packages = [*site.getsitepackages(), site.getusersitepackages()]
    for file in (file for directory in packages for file in Path(directory).glob("*.pth")):
        known |= set(file.read_text(errors="replace").splitlines())
    prefixes = (sys.prefix, sys.base_prefix, *packages)
    return tuple(
        each
        for each in sys.path
        if each not in known and not any(Path(each).is_relative_to(root) for root in prefixes)
    )


@contextlib.contextmanager
def _called_as(path: Path, arguments: Sequence[str]) -> Iterator[None]:
    given = sys.argv
    sys.argv = [str(path), "tandem", *arguments]
    try:
        yield
    finally:
        sys.argv = given


@contextlib.contextmanager
def _stopped_at_django() -> Iterator[None]:
    # execute_from_command_line() may be imported under any name; all of them end in this method.
    execute = ManagementUtility.execute
    ManagementUtility.execute = _stop  # type: ignore[assignment,method-assign]
    try:
        yield
    except _DjangoReached:
        pass
    finally:
        ManagementUtility.execute = execute  # type: ignore[method-assign]


def _stop(_: ManagementUtility) -> NoReturn:
    raise _DjangoReached
