"""What the watcher says, and when it ends."""

import os
from pathlib import Path

from django_tandem.runtime.watcher import Parent, told


def test_a_few_files_are_named() -> None:
    """And the others counted."""
    assert told([Path("shop/views.py")]) == "changed: shop/views.py; reloading"
    assert (
        told([Path(name) for name in ("a.py", "b.py", "c.py", "d.py", "e.py")])
        == "changed: a.py, b.py, c.py and 2 more; reloading"
    )


def test_a_parent_that_ended_is_another_one_now() -> None:
    """The kernel gives an orphan to somebody else."""
    assert not Parent(pid=os.getppid()).is_set()
    assert Parent(pid=os.getpid()).is_set()
