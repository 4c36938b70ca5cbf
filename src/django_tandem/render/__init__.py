"""The targets that a plan is rendered to: each is a module and a line here."""

from django_tandem.render import compose, kubernetes, monitoring, nginx, supervisor, systemd
from django_tandem.render.target import Target

__all__ = ["STACK_TARGETS", "TARGETS", "Target"]

# Those that a stack runs from.
STACK_TARGETS: tuple[Target, ...] = (nginx.TARGET, supervisor.TARGET)
TARGETS: tuple[Target, ...] = (
    *STACK_TARGETS,
    monitoring.TARGET,
    systemd.TARGET,
    kubernetes.TARGET,
    compose.TARGET,
)
