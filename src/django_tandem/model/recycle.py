"""When a worker of a server is replaced by a fresh one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Recycle:
    """
    The bounds of one worker of a server; 0 is no bound.

    ``memory_bytes`` is its resident set size, which includes what it shares with its siblings.
    """

    memory_bytes: int = 0
    age_s: int = 0
    requests: int = 0
