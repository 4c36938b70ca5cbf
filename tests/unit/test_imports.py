"""The programs that each stack or reload starts import little, and so start fast."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes

HEAVY = {"django", "django_tandem.pipeline", "jinja2", "watchfiles"}


@pytest.mark.parametrize(
    "module",
    [
        "django_tandem.monitor.program",
        "django_tandem.runtime.announce",
        "django_tandem.runtime.drain",
        "django_tandem.runtime.supervisor.plugin",
    ],
)
def test_a_program_beside_the_servers_imports_nothing_that_plans(module) -> None:
    """Each takes a fifth of a second or more, in which the servers start too."""
    code = f"import sys, {module}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    )

    assert HEAVY.isdisjoint(done.stdout.split())
