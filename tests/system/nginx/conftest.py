"""One project, served once; each test puts an edge of its own before it."""

import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oracle.configured  # noqa: F401 - Django, for the oracle
import pytest
from nginx.edges import Edge, running_edge
from oracle.edges import Sockets, stubs
from oracle.stacks import stacks

from harness.stack import Up, clean_environment

SITE = Path(__file__).parent / "site"
PLAIN = {"PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class Site:
    """The project's directory, and the one its servers' sockets are in."""

    directory: Path
    sockets: Path


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    shutil.copytree(SITE, directory, dirs_exist_ok=True)
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"],
        cwd=directory,
        env=clean_environment() | PLAIN,
        check=True,
    )
    return directory


@pytest.fixture(scope="session")
def site(project) -> Iterator[Site]:
    """On the servers that it gets without asking, a few workers of each."""
    setting = '{"ASGI": {"WORKERS": 1}, "WSGI": {"WORKERS": 2}}'
    with Up(project, environment={"EDGESITE_TANDEM": setting, **PLAIN}) as up:
        yield Site(project, up.run_dir)


@pytest.fixture(scope="session")
def edge_with(site, nginx_program) -> Any:
    """Run an edge with settings of its own."""

    def run(**changes: Any) -> Any:
        return running_edge(site.directory, nginx_program, site.sockets, **changes)

    return run


@pytest.fixture(scope="session")
def edge(edge_with) -> Iterator[Edge]:
    """The edge as it is with no settings at all."""
    with edge_with() as running:
        yield running


@pytest.fixture(scope="session")
def named(nginx_program) -> Iterator[Sockets]:
    """Two stacks that respond with their name to every request."""
    with stubs(nginx_program) as sockets:
        yield sockets


@pytest.fixture(scope="session")
def real() -> Iterator[Callable[[dict[str, Any]], Sockets]]:
    """Gunicorn and Uvicorn, started once for all URLconfs that share their settings."""
    with ExitStack() as stack:

        @functools.cache
        def started(given: str) -> Sockets:
            return stack.enter_context(stacks(json.loads(given)))

        yield lambda given: started(json.dumps(given))
