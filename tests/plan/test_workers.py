"""The number of processes follows the CPUs, as far as the memory goes."""

import pytest

from builders import host
from django_tandem.plan.workers import auto_asgi, auto_wsgi


@pytest.mark.parametrize(
    ("cpus", "memory_mb", "wsgi", "asgi"),
    [(2, 4096, 5, 2), (0.5, 4096, 3, 1), (8, 512, 2, 1), (1, 64, 1, 1), (2.5, 8192, 7, 3)],
)
def test_workers_follow_cpus_and_memory(cpus, memory_mb, wsgi, asgi) -> None:
    """A part of a CPU counts as one; half of the memory is left alone."""
    machine = host(cpus=cpus, memory_mb=memory_mb)

    assert (auto_wsgi(machine), auto_asgi(machine)) == (wsgi, asgi)
