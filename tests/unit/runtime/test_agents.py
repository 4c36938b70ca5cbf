"""No agent starts in a program that runs no code of the project."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from django_tandem.runtime.agents import DIRECTORIES, SWITCHES, without_agents

TRACED = "import sys, sqlite3; print(type(sqlite3.connect(':memory:')).__module__)"


def directory(agent: str) -> Path:
    """Return the directory of an installed agent that its command puts into PYTHONPATH."""
    package = agent.split("/")[1]
    return Path(find_spec(package).submodule_search_locations[0]).parent / agent[1:]


@pytest.mark.parametrize("agent", DIRECTORIES)
def test_the_directory_of_an_agent_is_removed_from_the_path(agent) -> None:
    """It is the one in which that agent's package has its sitecustomize.py."""
    found = directory(agent)
    given = {"PYTHONPATH": f"{found}:/srv/own:{found}/", "SHOP": "1"}

    assert (found / "sitecustomize.py").is_file()
    assert without_agents(given) == {"PYTHONPATH": "/srv/own", "SHOP": "1", **SWITCHES}


def test_a_path_of_agents_alone_is_removed() -> None:
    """An empty PYTHONPATH is none; that of the project does not change."""
    assert without_agents({"PYTHONPATH": "/venv/newrelic/bootstrap"}) == SWITCHES
    assert without_agents({"PYTHONPATH": "/srv/a:/srv/b"})["PYTHONPATH"] == "/srv/a:/srv/b"


@pytest.mark.processes
def test_the_sql_of_such_a_program_is_not_traced() -> None:
    """`ddtrace-run` replaces the connections of every Python process below it."""
    bootstrap = directory("/ddtrace/bootstrap")
    traced = {
        **os.environ,
        "PYTHONPATH": str(bootstrap),
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    }
    modules = [
        subprocess.run(
            [sys.executable, "-P", "-c", TRACED],
            env=variables,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()
        for variables in (traced, without_agents(traced))
    ]

    assert modules == ["ddtrace.contrib.internal.sqlite3.patch", "sqlite3"]
