"""The roles of a host are read from one text, on the command line and in the environment."""

import pytest

from django_tandem.model import EVERY_ROLE, Role
from django_tandem.model.roles import listed_roles, parse_roles


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("edge", {Role.EDGE}),
        ("edge,wsgi", {Role.EDGE, Role.WSGI}),
        (" wsgi , asgi ", {Role.WSGI, Role.ASGI}),
        ("all", set(Role)),
        ("workers,asgi,wsgi,edge", set(Role)),
    ],
)
def test_roles_are_separated_by_commas(text, roles) -> None:
    """All of them together have a name."""
    assert parse_roles(text) == roles


@pytest.mark.parametrize(
    ("text", "hint"),
    [("worker", ' Did you mean "workers"?'), ("edge,", ""), ("edge,all", ""), ("", "")],
)
def test_any_other_text_is_an_error(text, hint) -> None:
    """It quotes the text."""
    with pytest.raises(ValueError, match="Expected roles") as error:
        parse_roles(text)

    assert str(error.value).startswith(
        'Expected roles such as "edge,wsgi", of edge, wsgi, asgi and workers, or "all", got '
        f'"{text}".{hint}'
    )


def test_roles_are_listed_from_the_edge_on() -> None:
    """As `--role` takes them."""
    assert listed_roles(frozenset({Role.WORKERS, Role.EDGE})) == "edge,workers"
    assert listed_roles(EVERY_ROLE) == "all"
