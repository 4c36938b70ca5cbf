"""What the code says of a route's view, as the advice needs it."""

from dataclasses import dataclass
from enum import StrEnum


class Framework(StrEnum):
    """What serves a view."""

    DJANGO = "Django"
    REST = "Django REST framework"
    ADRF = "ADRF"
    GRAPHENE = "Graphene"
    OTHER = "another package"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    A change to make, in a sentence; ``place`` is the file and line, such as ``shop/views.py:12``.

    ``blocks`` is true for a call that waits without a coroutine, such as one of `requests`.
    """

    text: str
    place: str = ""
    blocks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteCode:
    """
    The facts of a view that its code shows.

    ``reason`` is why its stack is the home of the route. ``is_async`` where Django awaits it.
    ``is_read`` is false where its source was not found; then ``changes`` are those of the settings.
    """

    view: str = ""
    source: str = ""
    reason: str = ""
    is_async: bool = False
    is_websocket: bool = False
    is_stream: bool = False
    is_pinned: bool = False
    is_read: bool = False
    framework: Framework = Framework.DJANGO
    changes: tuple[Change, ...] = ()

    @property
    def blocking(self) -> tuple[Change, ...]:
        """The calls that wait without a coroutine."""
        return tuple(each for each in self.changes if each.blocks)
