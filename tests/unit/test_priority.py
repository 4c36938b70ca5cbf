"""What yields the CPUs has the priority of the WSGI workers."""

import os
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


def _run(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.split()


def test_the_priority_is_that_of_the_wsgi_workers() -> None:
    """Where WSGI["NICE"] sets no other."""
    assert NICENESS == AUTO_NICE


@pytest.mark.parametrize(("before", "after"), [(0, NICENESS), (15, 15)])
def test_a_process_yields_once_and_raises_nothing(before, after) -> None:
    """As where root's command line is executed anew, or `nice -n 15 tandem reload` is run."""
    assert _run(TWICE.format(before=before)) == [str(after)] * 2


IN_BLOCK = """
import os
from django_tandem.priority import yielding_cpus

def niceness():
    return os.getpriority(os.PRIO_PROCESS, 0)

{before}
with yielding_cpus():
    print(niceness())
print(niceness())
"""
# Of nobody: root may raise any priority.
LEAVE_ROOT = "os.geteuid() or os.setuid(65534)"


def test_a_priority_that_can_not_be_raised_again_is_kept() -> None:
    """An ordinary user may only lower it, and the ASGI workers have that of their master."""
    assert _run(IN_BLOCK.format(before=LEAVE_ROOT)) == ["0", "0"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may raise a priority")
@pytest.mark.parametrize(
    ("before", "niceness"),
    [("", ["10", "0"]), ("os.nice(1)", ["10", "1"]), ("os.nice(15)", ["15", "15"])],
)
def test_a_process_yields_in_the_block_where_it_may_raise_its_priority(before, niceness) -> None:
    """Afterwards it has the one of before."""
    assert _run(IN_BLOCK.format(before=before)) == niceness
