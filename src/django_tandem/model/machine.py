"""The machine that the plan is made for."""

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
    What of this machine decides the plan.

    ``cpus`` and ``memory_mb`` are what the process may use (the cgroup's quota
    where there is one). ``user`` is whom the processes run as. ``valkey`` is the
    embedded server's program, when the wheel that brings it is installed.
    """

    python: str
    nginx: Nginx
    cpus: float
    memory_mb: int
    has_ipv6: bool
    user: str
    is_root: bool
    valkey: str | None = None
