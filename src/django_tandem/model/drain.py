"""How a drain ends the WebSockets and streams of each path: at a reload, and at a stop."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class DrainMode(StrEnum):
    """
    How connections end.

    SPREAD closes each at a random moment of the window. WAIT leaves them to end by themselves,
    and closes at the end of the window those that have not.
    """

    SPREAD = "spread"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainRule:
    """The mode of the connections whose path begins with ``prefix``."""

    prefix: str
    mode: DrainMode


def drain_mode(rules: Iterable[DrainRule], path: str) -> DrainMode:
    """Return the mode of the first rule for ``path``; SPREAD without one."""
    found = (rule.mode for rule in rules if path.startswith(rule.prefix))
    return next(found, DrainMode.SPREAD)
