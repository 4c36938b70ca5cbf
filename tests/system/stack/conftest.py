"""The reference as it runs, and projects to spoil."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stack.mistaken import running_in
from stack.reference_stack import Stack, running_reference

from harness.projects import SMALL, startproject


@pytest.fixture(scope="session")
def stack(tmp_path_factory) -> Iterator[Stack]:
    with running_reference(tmp_path_factory.mktemp("reference")) as running:
        yield running


@pytest.fixture
def project(tmp_path) -> Iterator[Path]:
    """A project to spoil, in which nothing may run in the end."""
    yield startproject(tmp_path, **SMALL)
    assert running_in(tmp_path) == []
    assert list(tmp_path.glob(".tandem/*.sock")) == []
