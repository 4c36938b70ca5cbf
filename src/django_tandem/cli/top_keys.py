"""What the keys of `tandem top` change: the order, the filter, and which rows are shown."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from django_tandem.monitor.snapshot import RouteTraffic

# The sequences that a terminal sends for keys that are not characters.
SEQUENCES = {
    "\x1b[A": "up",
    "\x1bOA": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b[H": "home",
    "\x1bOH": "home",
    "\x1b[1~": "home",
    "\x1b": "escape",
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x15": "clear",
    # Where Ctrl-C sends no signal.
    "\x03": "q",
}
_KEY = re.compile(r"\x1b(?:\[[0-9;]*[~A-Za-z]|O[A-Za-z])|.", re.DOTALL)
PAGE = 10


class Sort(Enum):
    """An order of the routes: its key and the title of its column."""

    BUSY = ("b", "BUSY", "busy workers")
    RATE = ("r", "REQ/S", "requests per second")
    P95 = ("p", "P95", "95th percentile of the time")
    QUEUE = ("u", "QUEUE", "time in the queue")
    ERRORS = ("e", "ERR/S", "errors per second")
    OPEN = ("s", "OPEN", "open WebSockets and event streams")
    CPU = ("c", "CPU", "share of the time on the CPU")
    NAME = ("n", "ROUTE", "name of the route")

    def __init__(self, key: str, column: str, meaning: str) -> None:
        self.key = key
        self.column = column
        self.meaning = meaning


_VALUES: dict[Sort, Callable[[RouteTraffic], float]] = {
    Sort.BUSY: lambda each: each.traffic.busy_workers,
    Sort.RATE: lambda each: each.traffic.requests_per_s,
    Sort.P95: lambda each: each.traffic.p95_s or 0.0,
    Sort.QUEUE: lambda each: each.traffic.queue_p95_s or 0.0,
    Sort.ERRORS: lambda each: each.traffic.errors_per_s,
    Sort.OPEN: lambda each: each.websockets + each.streams,
    Sort.CPU: lambda each: each.traffic.cpu_share or 0.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TopView:
    """
    What the keys have chosen.

    ``pattern`` filters the routes by a part of their name. While ``is_typing``, the keys edit it.
    ``skipped`` is how many rows are above the first one shown.
    """

    sort: Sort = Sort.BUSY
    pattern: str = ""
    is_typing: bool = False
    is_paused: bool = False
    shows_help: bool = False
    has_ended: bool = False
    skipped: int = 0


def ordered(routes: tuple[RouteTraffic, ...], view: TopView) -> list[RouteTraffic]:
    """Return the routes that the filter leaves, in the order chosen, the largest value first."""
    found = [each for each in routes if matches(view, each.route, each.stack)]
    if view.sort is Sort.NAME:
        return sorted(found, key=lambda each: (each.route, each.stack))
    value = _VALUES[view.sort]
    return sorted(found, key=lambda each: (-value(each), each.route, each.stack))


def matches(view: TopView, route: str, stack: str) -> bool:
    """Return whether the filter leaves a route."""
    return view.pattern.lower() in f"{stack} {route}".lower()


def keys_in(text: str) -> list[str]:
    """Return the keys of what the terminal has sent: characters, and names of SEQUENCES."""
    return [SEQUENCES.get(each, each) for each in _KEY.findall(text)]


def press(view: TopView, key: str) -> TopView:
    """Return the view after a key; one without a meaning changes nothing."""
    if view.is_typing:
        return _typed(view, key)
    if view.shows_help:
        return replace(view, shows_help=False, has_ended=key == "q")
    for sort in Sort:
        if key == sort.key:
            return replace(view, sort=sort, skipped=0)
    return _commanded(view, key)


def _commanded(view: TopView, key: str) -> TopView:
    match key:
        case "q":
            return replace(view, has_ended=True)
        case " ":
            return replace(view, is_paused=not view.is_paused)
        case "/":
            return replace(view, is_typing=True, skipped=0)
        case "escape":
            return replace(view, pattern="", skipped=0)
        case "?" | "h":
            return replace(view, shows_help=True)
        case _:
            return replace(view, skipped=max(0, _skipped(view.skipped, key)))


def _skipped(skipped: int, key: str) -> int:
    steps = {"up": -1, "k": -1, "down": 1, "j": 1, "page up": -PAGE, "page down": PAGE}
    return 0 if key == "home" else skipped + steps.get(key, 0)


def _typed(view: TopView, key: str) -> TopView:
    match key:
        case "enter":
            return replace(view, is_typing=False)
        case "escape":
            return replace(view, is_typing=False, pattern="")
        case "backspace":
            return replace(view, pattern=view.pattern[:-1])
        case "clear":
            return replace(view, pattern="")
        case _ if len(key) == 1 and key.isprintable():
            return replace(view, pattern=view.pattern + key, skipped=0)
        case _:
            return view
