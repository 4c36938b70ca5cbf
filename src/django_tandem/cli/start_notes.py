"""Notes at a start: unapplied migrations, servers without an answer, what is given and unread."""

import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from django.db import connections

from django_tandem import environment
from django_tandem.cli import console
from django_tandem.inprocess.migrations import unapplied_apps
from django_tandem.model import Plan, Role
from django_tandem.model.roles import listed_roles
from django_tandem.project.redis import RedisAddress, named_servers, read_address

# For all servers together: they are tried at once, and may well start after this stack.
ANSWER_S = 1
# A database that doesn't answer must not hold up a start: its servers may well start later.
DATABASE_S = 3

T = TypeVar("T")

# The variables that Kubernetes sets for a Service, in addition to NAME_PORT, which is a URL.
_OF_A_SERVICE = re.compile(r"_SERVICE_(HOST|PORT)|_PORT_[0-9]+_[A-Z]+")


def unreachable_redis(embedded: str | None) -> list[str]:
    """
    Return a sentence on each Redis of a channel layer or cache that gives no answer.

    ``embedded`` is the URL of the server that is about to be started.
    """
    users: dict[RedisAddress, list[str]] = {}
    for setting, given in named_servers():
        address = read_address(given)
        if address is not None and address != read_address(embedded):
            users.setdefault(address, []).append(setting)
    return [
        f"Redis at {address}, for {' and '.join(dict.fromkeys(users[address]))}, can't be "
        f"reached: {reason}."
        for address, reason in _reasons(tuple(users), _why_unreachable).items()
    ]


def unresolved_peers(plan: Plan) -> list[str]:
    """Return a sentence on each name of a peer that DNS does not know yet."""
    if Role.EDGE not in plan.roles:
        return []
    peers = (*plan.peers.wsgi, *plan.peers.asgi)
    names = tuple(dict.fromkeys(each.host for each in peers if each.is_name))
    return [
        f'The name {name} of TANDEM["PEERS"] does not resolve: {reason}. The edge retries '
        "the lookup, and responds with 502 or 503 until it succeeds."
        for name, reason in _reasons(names, _why_unresolved).items()
    ]


def _reasons(servers: tuple[T, ...], find: Callable[[T], str]) -> dict[T, str]:
    """Return why each of the servers is of no use; one that is has no entry."""
    # What has not ended in time gave no answer either: no timeout bounds a look-up of a name.
    found = dict.fromkeys(servers, f"no answer within {ANSWER_S} s")

    def ask(server: T) -> None:
        found[server] = find(server)

    # Daemons, so that none keeps the command from ending.
    threads = [threading.Thread(target=ask, args=(each,), daemon=True) for each in servers]
    for thread in threads:
        thread.start()
    until = time.monotonic() + ANSWER_S
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    return {server: reason for server, reason in list(found.items()) if reason}


def _why_unresolved(name: str) -> str:
    try:
        socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _why_unreachable(address: RedisAddress) -> str:
    """Return why there is no answer; empty when there is one, such as that a password is needed."""
    try:
        with address.connect(ANSWER_S) as connection:
            if address.has_tls:
                return ""
            connection.sendall(b"PING\r\n")
            return "" if connection.recv(1) else "the connection was closed"
    except TimeoutError:
        return f"no answer within {ANSWER_S} s"
    except OSError as error:
        return error.strerror or str(error)


def unread_variables(variables: Mapping[str, str]) -> list[str]:
    """Return a sentence on the options of servers in the environment, which they do not get."""
    names = sorted(
        name
        for name, value in variables.items()
        if name.startswith(environment.OF_SERVERS)
        and "://" not in value
        and not _OF_A_SERVICE.search(name)
    )
    if not names:
        return []
    options = "its option" if len(names) == 1 else "their options"
    return [
        f"The servers do not read {console.listed(names)}: write {options} in ARGS of "
        'TANDEM["WSGI"] or TANDEM["ASGI"].'
    ]


def unused_bind(plan: Plan) -> list[str]:
    """Return a sentence on a --bind that no edge of this host listens on."""
    if plan.overrides.bind is None or Role.EDGE in plan.roles:
        return []
    return [
        f"`--bind {plan.overrides.bind}` has no effect: it is the address of the edge, and the "
        f"roles of this host are {listed_roles(plan.roles)}."
    ]


def unapplied_migrations() -> list[str]:
    """Return a sentence on the migrations to apply; none when the database can't be read."""
    found: list[str] = []

    def read() -> None:
        try:
            found.extend(sorted(unapplied_apps()))
        except Exception:  # noqa: BLE001 - each database raises its own errors
            return
        finally:
            connections.close_all()

    # A daemon, so that a driver that hangs does not keep the command from ending.
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(DATABASE_S)
    if not found:
        return []
    apps = ", ".join(dict.fromkeys(found))
    count = console.counted(len(found), "unapplied migration")
    return [f"There are {count}, in {apps}. Run `python manage.py migrate`."]
