"""A way to run the project: a plan of its own, and the words for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django_tandem.bench.measured import Described
from django_tandem.model import File, Plan
from django_tandem.settings import Settings

# What it takes to run it in ``run_dir`` on ``bind``: a plan, and the settings it was made by.
Make = Callable[[Path, str], "Setup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A plan to bring up, its settings, and files of its own beside those that are rendered."""

    plan: Plan
    settings: Settings
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """
    One of those that are compared.

    ``make`` is called anew for each time it is brought up, with a directory and an address that
    are its own. ``has_websockets`` says whether there is anybody to open one with,
    ``is_supervised`` whether its supervisor is part of it. ``environment`` is what only
    its processes get.
    """

    name: str
    title: str
    make: Make
    has_websockets: bool = True
    is_supervised: bool = False
    environment: tuple[tuple[str, str], ...] = ()

    def described(self, what: str) -> Described:
        """Return it in words."""
        return Described(name=self.name, title=self.title, what=what)
