"""The targets that a plan is rendered to: each is a module and a line here."""

from django_tandem.render import nginx, supervisor
from django_tandem.render.target import Target

__all__ = ["TARGETS", "Target"]

TARGETS: tuple[Target, ...] = (nginx.TARGET, supervisor.TARGET)
