"""What yields the CPUs has the priority of the WSGI workers."""

import subprocess
import sys

import pytest

from django_tandem.plan.capacity import AUTO_NICE
from django_tandem.priority import NICENESS

pytestmark = pytest.mark.processes

TWICE = """
import os
from django_tandem.priority import yield_cpus

os.nice({before})
for _ in range(2):
    yield_cpus()
    print(os.nice(0))
"""


def test_the_priority_is_that_of_the_wsgi_workers() -> None:
    """Where WSGI["NICE"] sets no other."""
    assert NICENESS == AUTO_NICE


@pytest.mark.parametrize(("before", "after"), [(0, NICENESS), (15, 15)])
def test_a_process_yields_once_and_raises_nothing(before, after) -> None:
    """As where root's command line is executed anew, or `nice -n 15 tandem reload` is run."""
    code = TWICE.format(before=before)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    )

    assert done.stdout.split() == [str(after)] * 2
