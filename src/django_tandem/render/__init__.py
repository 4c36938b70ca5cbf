"""The targets that a stack runs from; `tandem render` alone imports those in targets.py."""

from django_tandem.render import nginx, supervisor
from django_tandem.render.target import Target

__all__ = ["STACK_TARGETS", "Target"]

STACK_TARGETS: tuple[Target, ...] = (nginx.TARGET, supervisor.TARGET)
