"""What the kernel tells of processes."""

import os

from django_tandem.runtime.proc import Parent


def test_a_parent_that_ended_is_another_one_now() -> None:
    """The kernel gives an orphan to somebody else."""
    assert not Parent(pid=os.getppid()).is_set()
    assert Parent(pid=os.getpid()).is_set()
