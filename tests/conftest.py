"""Fixtures for all tests: the real programs. A missing program is a failure, never a skip."""

import shutil

import pytest

from django_tandem.model import Nginx
from django_tandem.runtime.host import SYSTEM_PATHS, nginx_from_wheel, read_nginx
from harness.signals import restore_defaults


def pytest_configure() -> None:
    restore_defaults()


def _debian() -> str | None:
    return shutil.which("nginx", path=":".join(SYSTEM_PATHS))


@pytest.fixture(scope="session", params=[_debian, nginx_from_wheel], ids=["system", "wheel"])
def nginx_program(request) -> Nginx:
    """Each NGINX that the rendered file must serve on."""
    program = request.param()
    assert program is not None, "make installs both NGINXes: run the tests by `make test`"
    return read_nginx(program)
