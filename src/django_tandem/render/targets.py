"""The targets that a plan is rendered to: each is a module and a line here."""

from django_tandem.render import STACK_TARGETS, compose, kubernetes, monitoring, systemd
from django_tandem.render.target import Target

TARGETS: tuple[Target, ...] = (
    *STACK_TARGETS,
    monitoring.TARGET,
    systemd.TARGET,
    kubernetes.TARGET,
    compose.TARGET,
)
