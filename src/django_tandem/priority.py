"""The CPU priority of what loads the project, or drains, beside a generation that serves."""

import os

# That of the WSGI workers, which serve in the meantime (docs/decisions/016).
NICENESS = 10


def yield_cpus() -> None:
    """Give this process, and what it starts, no more than the priority of the WSGI workers."""
    # A second call changes nothing: a command of root's is executed anew as another user.
    niceness = max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0))
    os.setpriority(os.PRIO_PROCESS, 0, niceness)
