"""Django's resolver is the oracle: the first PCRE that matches leads to the view it picks."""

from urllib.parse import quote

import pytest

from routing.edge import NOTHING, Edge
from routing.tables import Table, ask_django, mutated, tables

by_name = pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)

# NGINX resolves these before it looks at the path; the plan's own tests take care of them.
DOTS = ("/./", "/../")
# Nor does it take a longer request line.
LONGEST = 8000


def paths(table: Table) -> list[str]:
    found = dict.fromkeys(near for path in table.module.PATHS for near in mutated(path))
    return [path for path in found if len(quote(path)) < LONGEST and not has_dots(path)]


def has_dots(path: str) -> bool:
    return any(dots in f"{path}/" for dots in DOTS)


@by_name
def test_nginx_picks_the_route_that_django_picks(table: Table, edge: Edge) -> None:
    """On every path the table's first match is Django's view, or an earlier inexact route."""
    wrong = []
    for path in paths(table):
        wanted, got = ask_django(table, path), edge.ask(table.name, path)
        if not agree(table, wanted, got):
            wrong.append((path, wanted, got))

    assert wrong == []


def agree(table: Table, wanted: str | None, got: str) -> bool:
    if got == (wanted or NOTHING):
        return True
    if got == NOTHING:
        return False
    # A route that is known to match too much may be in front of the one that answers.
    numbers = list(table.numbers)
    is_earlier = wanted not in numbers or numbers.index(got) < numbers.index(wanted)
    return is_earlier and bool(table.routes[numbers.index(got)].match.inexact)


@by_name
def test_a_route_is_exact_unless_its_urlconf_says_why_not(table: Table) -> None:
    """What can be said exactly is; the rest gives its reason in words."""
    reasons = dict.fromkeys(route.match.inexact for route in table.routes if route.match.inexact)

    assert tuple(reasons) == getattr(table.module, "INEXACT", ())


@by_name
def test_every_path_of_a_route_begins_with_its_prefix(table: Table) -> None:
    """``prefix`` is never longer than true, and ``literal`` is the only path there is."""
    for path in paths(table):
        number = ask_django(table, path)
        matches = [
            route.match
            for route, own in zip(table.routes, table.numbers, strict=True)
            if own == number
        ]

        assert not matches or any(path.startswith(match.prefix) for match in matches)
        assert len(matches) != 1 or matches[0].literal in {None, path}


@by_name
def test_a_literal_path_is_answered_by_its_route(table: Table) -> None:
    """A route that says it has one path only is the first to match it, or is shadowed."""
    for at, route in enumerate(table.routes):
        literal = route.match.literal
        if literal is not None:
            answer = ask_django(table, literal)

            assert answer in table.numbers[: at + 1]
