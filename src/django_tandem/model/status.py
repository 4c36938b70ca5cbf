"""What the supervisor says of a process."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the supervisor says of one process; ``pid`` is 0 when it does not run."""

    name: str
    state: str
    pid: int
    since_s: int
    detail: str = ""
