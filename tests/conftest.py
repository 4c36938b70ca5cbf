"""Fixtures for all tests: the real programs. A missing program is a failure, never a skip."""

import contextlib
import gc
import shutil

import pytest
from xdist.scheduler import LoadFileScheduling

from django_tandem.model import Nginx
from django_tandem.runtime.host import SYSTEM_PATHS, nginx_from_wheel, read_nginx
from harness import forking
from harness.signals import restore_defaults

# Files below these share what takes long to start: a browser, the servers of both stacks, a stack.
SHARING = (
    "tests/system/browser/",
    "tests/system/containers/",
    "tests/system/monitor/",
    "tests/system/parity/",
    "tests/system/stack/test_reference",
    "tests/system/telemetry/test_stack",
)
# Tests below these share nothing, and each takes as long as the others of a file together.
APART = ("tests/strangers/", "tests/system/faults/")


def pytest_configure(config) -> None:
    restore_defaults()
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        sharing = contextlib.ExitStack()
        sharing.enter_context(forking.shared())
        config.add_cleanup(sharing.close)
    # Thousands of tests are objects that stay: a third of the collection was the search for
    # garbage among them.
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


class ByFile(LoadFileScheduling):
    """Run the tests of a file in one process, and those of files that share; some each apart."""

    def _split_scope(self, nodeid: str) -> str:
        path = super()._split_scope(nodeid)
        if path.startswith(APART):
            return nodeid
        return next((each for each in SHARING if path.startswith(each)), path)


def pytest_xdist_make_scheduler(config, log):
    """For ``--dist loadfile``, with which make runs the tests; any other has its usual meaning."""
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


def _debian() -> str | None:
    return shutil.which("nginx", path=":".join(SYSTEM_PATHS))


@pytest.fixture(scope="session", params=[_debian, nginx_from_wheel], ids=["system", "wheel"])
def nginx_program(request) -> Nginx:
    """Each NGINX that the rendered file must serve on."""
    program = request.param()
    assert program is not None, "make installs both NGINXes: run the tests by `make test`"
    return read_nginx(program)
