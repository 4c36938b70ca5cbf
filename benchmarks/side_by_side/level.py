"""tandem with both stacks at the same priority, to measure the effect of `nice`."""

from dataclasses import replace

from django_tandem.bench.topology import Setup
from django_tandem.model import Process

# As the plan puts it in front of a command: nice -n 10.
WORDS = 3
# The option of a shared master.
NICE = "--wsgi-nice="


def level(setup: Setup) -> Setup:
    """Return the same without it."""
    processes = tuple(map(_levelled, setup.plan.processes))
    return replace(setup, plan=replace(setup.plan, processes=processes))


def _levelled(process: Process) -> Process:
    argv = process.argv[WORDS:] if process.argv[0] == "nice" else process.argv
    return replace(process, argv=tuple(each for each in argv if not each.startswith(NICE)))
