"""
The routes with separate series on the page of metrics: those that occupy the stacks most.

A route has a histogram for each method, status and stack. With two thousand of them each scrape
would be 17 MB and most of a second of CPU; the requests of further routes have one name together.
"""

from collections.abc import Set

from django_tandem.monitor.minutes import OTHER_ROUTES
from django_tandem.monitor.request_lines import RequestLine

MOST_ROUTES = 200
# A route replaces one that has occupied the stacks for less than this share of its time: the series
# of two that are about equal must not alternate.
SHARE = 0.5


class SeriesSelection:
    """The first MOST_ROUTES routes, until choose() replaces some by busier ones."""

    def __init__(self, most: int = MOST_ROUTES) -> None:
        self._most = most
        self._own: set[str] = set()
        # Each choice halves the time before it.
        self._occupied_s: dict[str, float] = {}

    @property
    def shared(self) -> int:
        """How many routes have no separate series."""
        return len(self._occupied_s.keys() - self._own)

    def add(self, line: RequestLine) -> RequestLine:
        """Add a request; return it with the route under which the page counts it."""
        route = line.route
        if route == OTHER_ROUTES:
            return line
        self._occupied_s[route] = self._occupied_s.get(route, 0.0) + _occupied_s(line)
        if route not in self._own:
            if len(self._own) >= self._most:
                return line._replace(route=OTHER_ROUTES)
            self._own.add(route)
        return line

    def choose(self) -> set[str]:
        """Replace routes by busier ones; return those that are replaced."""
        occupied = self._occupied_s
        others = sorted(occupied.keys() - self._own, key=lambda route: (-occupied[route], route))
        own = sorted(self._own, key=lambda route: (occupied.get(route, 0.0), route))
        replaced = set()
        for newer, older in zip(others, own, strict=False):
            if occupied.get(older, 0.0) >= SHARE * occupied[newer]:
                break
            self._own.add(newer)
            replaced.add(older)
        self._own -= replaced
        self._occupied_s = {route: seconds / 2 for route, seconds in occupied.items()}
        return replaced

    def remove(self, routes: Set[str]) -> None:
        """Forget routes that are no longer counted."""
        self._own -= routes
        self._occupied_s = {
            route: seconds for route, seconds in self._occupied_s.items() if route not in routes
        }


def _occupied_s(line: RequestLine) -> float:
    # A WebSocket or an event stream occupies a worker for as long as its client listens.
    if line.is_long or line.worker_s is None:
        return 0.0
    return max(0.0, line.worker_s - (line.queue_s or 0.0))
