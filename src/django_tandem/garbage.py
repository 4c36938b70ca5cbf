"""How often Python looks for garbage in cycles while a project is imported."""

import contextlib
import gc
from collections.abc import Iterator

# An import makes objects by the hundred thousand and hardly any garbage. At Python's default of
# 700, or 2,000, the search for it takes a fifth of the time.
RARELY = 100_000


def collect_rarely() -> None:
    """Look for garbage rarely, in a process that ends soon."""
    gc.set_threshold(RARELY)


@contextlib.contextmanager
def collected_rarely() -> Iterator[None]:
    """Look for garbage rarely in the block, unless the project that it imports decides."""
    usual = gc.get_threshold()
    ours = (RARELY, *usual[1:])
    gc.set_threshold(*ours)
    try:
        yield
    finally:
        if gc.get_threshold() == ours:
            gc.set_threshold(*usual)
