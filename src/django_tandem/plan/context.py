"""The input of the plan: the project, its settings, the host and the roles that it has."""

from dataclasses import dataclass
from pathlib import PurePath

from django_tandem.model import Host, Project, Roles
from django_tandem.model.roles import EVERY_ROLE
from django_tandem.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """
    The input that every process is planned from.

    ``has_both`` is true if the project needs both stacks, on this host or on others; ``is_direct``
    if a gateway routes requests to them, without our edge. Without ``requires_trust`` the secret
    may be missing, as where files are rendered for other hosts.
    """

    project: Project
    settings: Settings
    host: Host
    run_dir: str
    generation: int
    has_both: bool
    is_debugged: bool = False
    roles: Roles = EVERY_ROLE
    is_direct: bool = False
    requires_trust: bool = True

    @property
    def work_s(self) -> int:
        """How long work outside of requests may take to finish: a reload leaves it more time."""
        return max(self.settings.stop_s, self.settings.drain_s)

    def path(self, name: str) -> str:
        """Return the path of a file in the run directory."""
        return str(PurePath(self.run_dir, name))
