"""The machine that the plan is made for, and its NGINX."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Nginx:
    """The NGINX found on this machine: its program, version and configure arguments."""

    program: str
    version: tuple[int, int, int]
    arguments: str = ""

    def has(self, argument: str) -> bool:
        """Return whether it was built with ``argument``, such as ``http_realip_module``."""
        return argument in self.arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """
    The facts about this machine that the plan depends on.

    ``cpus`` and ``memory_mb`` are the limits of the cgroup where it has any. The processes
    run as ``user``. ``valkey`` is the program of the embedded Valkey, when its wheel is
    installed. ``open_files`` is how many files a process may open, at most.
    """

    python: str
    nginx: Nginx
    cpus: float
    memory_mb: int
    has_ipv6: bool
    user: str
    is_root: bool
    valkey: str | None = None
    open_files: int = 1_048_576
