"""One project, served once; each test puts its own edge before it."""

import functools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oracle.configured  # noqa: F401 - Django, for the oracle
import pytest
from nginx.edges import Edge, running_edge
from nginx.scripted import OK, answering
from oracle.edges import Sockets, stubs
from oracle.stacks import stacks

from harness.example import manage
from harness.stack import Up

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
    manage(directory, "collectstatic", "--noinput", "--verbosity=0", **PLAIN)
    return directory


@pytest.fixture(scope="session")
def site(project) -> Iterator[Site]:
    """On the servers that it gets without asking, a few workers of each."""
    setting = '{"ASGI": {"WORKERS": 1}, "WSGI": {"WORKERS": 2}}'
    with Up(project, environment={"EDGESITE_TANDEM": setting, **PLAIN}) as up:
        yield Site(project, up.run_dir)


@pytest.fixture(scope="session")
def edge_with(site, nginx_program) -> Any:
    """Run an edge with these settings."""

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


@pytest.fixture(scope="module")
def sockets() -> Iterator[Path]:
    """An empty directory for the sockets of scripted servers."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        yield Path(path)


@pytest.fixture
def behind(sockets) -> Iterator[Callable[..., list[bytes]]]:
    """Start a scripted server on a socket of that name, for the length of the test."""
    with ExitStack() as stack:
        yield lambda name, answer=OK: stack.enter_context(answering(sockets / name, answer))
