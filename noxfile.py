"""
All tests on each pair of Python and Django that is supported: ``make test-all``.

A part of them: ``nox -- tests/unit``; one pair: ``nox -s "tests(3.12, 6.0)"``.
"""

from pathlib import Path

import nox

PAIRS = (("3.11", "5.2"), ("3.12", "6.0"), ("3.13", "6.1"))
EXTRAS = "bundled,channels,uwsgi,waitress,granian,daphne,hypercorn,otel"
# As in the Makefile: most tests, those that measure seconds or load the machine, the example's.
SUBJECTS = sorted(
    sorted(
        {path.parent.name for path in Path("tests/system").glob("[a-z]*/*.py")}
        - {"cluster", "example"}
    ),
    # The directories that take longest come first.
    key=lambda name: (
        name not in ("containers", "nginx", "stack", "bench", "browser", "overload", "docs")
    ),
)
MOST = (*(f"tests/system/{name}" for name in SUBJECTS), "tests/strangers", "tests/unit")
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")
PARTS = (
    (*MOST, "-m", "not timed and not alone", "-n", "6", *BY_FILE),
    ("tests/system/faults", *MOST, "-m", "timed", "-n", "3", *BY_FILE),
    (*MOST, "-m", "alone"),
    ("tests/system/example", "-n", "2"),
)
nox.options.error_on_missing_interpreters = True


def _interpreter(version: str) -> str:
    """Return pyenv's interpreter of that version, which may not be on PATH, or its plain name."""
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(found[-1]) if found else f"python{version}"


def _add(python: str, django: str) -> None:
    @nox.session(name=f"tests({python}, {django})", python=_interpreter(python))
    def tests(session: nox.Session) -> None:
        session.install(
            *("-c", "constraints.txt", f"django~={django}.0", "-e", f".[{EXTRAS}]"),
            *("-r", "example/requirements.txt", "-r", "requirements-dev.txt"),
        )
        session.install("-c", "constraints.txt", "--no-deps", "-r", "requirements-no-deps.txt")
        for part in (session.posargs,) if session.posargs else PARTS:
            session.run("pytest", *part)


for each in PAIRS:
    _add(*each)
