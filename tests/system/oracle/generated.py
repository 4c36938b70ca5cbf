"""URLconfs that are made of plain values, so that one process can tell another what they are."""

import contextlib
import itertools
import signal
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path
from hypothesis.errors import UnsatisfiedAssumption
from urlconfs import numbered

MAKERS = {"path": path, "re_path": re_path}
# ["path" or "re_path", its text, what it leads to]: whether a view is async, or a list of these.
Spec = list[Any]
# Of CPU time, for all paths of an example: most take a hundredth of it.
MOST_S = 5.0


def urlconf_of(specs: list[Spec]) -> ModuleType:
    """Make the module that would hold these; views are numbered from 1 on, in order."""
    module = ModuleType("generated")
    module.urlpatterns = list(_patterns(specs, itertools.count(1)))
    return module


@contextlib.contextmanager
def rejecting_slow_patterns(most_s: float = MOST_S) -> Iterator[None]:
    """
    Reject the example whose paths take Django more than ``most_s`` of CPU time in the block.

    A few repetitions in a row try each way to part nine thousand characters between them. No
    project has such a pattern: each client could stop it.
    """

    def too_slow(*_: object) -> None:
        raise UnsatisfiedAssumption

    # That of the CPU time: the limit of a test has the timer of the clock.
    before = signal.signal(signal.SIGVTALRM, too_slow)
    signal.setitimer(signal.ITIMER_VIRTUAL, most_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _patterns(specs: list[Spec], numbers: Iterator[int]) -> Iterator[URLPattern | URLResolver]:
    for maker, text, leads_to in specs:
        if isinstance(leads_to, list):
            target = include(list(_patterns(leads_to, numbers)))
        else:
            target = numbered(next(numbers), is_async=leads_to)
        yield MAKERS[maker](text, target)
