"""The roles of a host: which parts of the project one `tandem up` runs."""

from enum import StrEnum

from django_tandem.errors import did_you_mean


class Role(StrEnum):
    """A part of the project that may run on a separate host."""

    EDGE = "edge"
    WSGI = "wsgi"
    ASGI = "asgi"
    # Channels workers, and the programs of TANDEM["PROGRAMS"].
    WORKERS = "workers"


Roles = frozenset[Role]

EVERY_ROLE: Roles = frozenset(Role)
# The name of all of them together, which is one host.
ALL = "all"
# Those that run the project's code.
PROJECT_ROLES: Roles = EVERY_ROLE - {Role.EDGE}


def parse_roles(text: str) -> Roles:
    """
    Read roles such as ``edge,wsgi``, or ``all``.

    Raises ValueError with a sentence for any other text.
    """
    names = [name.strip() for name in text.split(",")]
    if names == [ALL]:
        return EVERY_ROLE
    unknown = next((name for name in names if name not in tuple(Role)), None)
    if unknown is not None:
        hint = did_you_mean(unknown, (*Role, ALL), otherwise="")
        expected = 'Expected roles such as "edge,wsgi", of edge, wsgi, asgi and workers, or "all"'
        raise ValueError(f'{expected}, got "{text}". {hint}'.rstrip())
    return frozenset(map(Role, names))


def listed_roles(roles: Roles) -> str:
    """Return the roles as `--role` takes them, in the order in which requests meet them."""
    return ALL if roles == EVERY_ROLE else ",".join(role for role in Role if role in roles)
