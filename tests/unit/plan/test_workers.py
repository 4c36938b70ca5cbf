"""The number of processes follows the CPUs, as far as the memory goes."""

import pytest

from builders import host, plan, websocket
from django_tandem.plan.workers import auto_asgi, auto_wsgi


@pytest.mark.parametrize(
    ("cpus", "memory_mb", "wsgi", "asgi"),
    [(2, 4096, 5, 2), (0.5, 4096, 3, 1), (8, 512, 2, 1), (1, 64, 1, 1), (2.5, 8192, 7, 3)],
)
def test_workers_follow_cpus_and_memory(cpus, memory_mb, wsgi, asgi) -> None:
    """A part of a CPU counts as one; half of the memory is left alone."""
    machine = host(cpus=cpus, memory_mb=memory_mb)

    assert (auto_wsgi(machine), auto_asgi(machine)) == (wsgi, asgi)


@pytest.mark.parametrize(
    ("nice", "prefix"), [("auto", ("nice", "-n", "10")), (0, ()), (19, ("nice", "-n", "19"))]
)
def test_wsgi_gives_way_and_asgi_does_not(nice, prefix) -> None:
    """A command line begins with `nice`, unless it would change nothing."""
    found = plan(websocket("/ws/"), tandem={"WSGI": {"NICE": nice}})

    argvs = {each.name: each.argv for each in found.processes}
    assert argvs["wsgi"][: len(prefix) + 1] == (*prefix, host().python)
    assert argvs["asgi"][0] == host().python
