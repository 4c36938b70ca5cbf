"""The state of a process in supervisord."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of one process in supervisord; ``pid`` is 0 when it does not run."""

    name: str
    state: str
    pid: int
    since_s: int
    detail: str = ""
