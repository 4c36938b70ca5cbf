"""Checks of what one host keeps for itself, where the roles are on several."""

from collections.abc import Iterator

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error

from django_tandem.checks.facts import Facts
from django_tandem.model.roles import listed_roles
from django_tandem.project.redis import read_address

# The transports of Celery's broker that have no host.
_LOCAL_BROKERS = ("redis+socket", "memory", "filesystem", "sqla+sqlite")
_SQLITE = ("sqlite3", "spatialite")
_ONE_HOST = "Or run all roles on one host, with `--role all`."


def servers_are_reached(facts: Facts) -> Iterator[CheckMessage]:
    """Find a channel layer or a broker on a server that no other host reaches."""
    if not facts.spans_hosts:
        return
    if facts.plan.project.needs_redis:
        yield Error(
            "CHANNEL_LAYERS uses the Valkey of `tandem up`, which only this host reaches, and the "
            f'roles are "{listed_roles(facts.plan.roles)}".',
            hint="Set REDIS_URL to the URL of a Redis or Valkey server that all hosts reach. "
            f"{_ONE_HOST}",
            obj="CHANNEL_LAYERS",
            id="tandem.E015",
        )
        return
    for setting, place in facts.local_servers:
        yield Error(
            f"{setting} names {place}, which only this host reaches, and the roles are "
            f'"{listed_roles(facts.plan.roles)}".',
            hint=f"Name a server by its host, which all hosts reach. {_ONE_HOST}",
            obj=setting.partition("[")[0],
            id="tandem.E015",
        )


def databases_are_reached(facts: Facts) -> Iterator[CheckMessage]:
    """Find SQLite databases, which are files of one host."""
    if not facts.spans_hosts:
        return
    for database in facts.databases:
        if database.engine.rpartition(".")[2] in _SQLITE:
            yield Error(
                f'DATABASES["{database.alias}"] is an SQLite database, which only this host '
                f'reaches, and the roles are "{listed_roles(facts.plan.roles)}".',
                hint=f"Use a database server that all hosts reach, such as PostgreSQL. {_ONE_HOST}",
                obj="DATABASES",
                id="tandem.E016",
            )


def stores_are_reached(facts: Facts) -> Iterator[CheckMessage]:
    """Find caches and sessions in the memory of a process or in files of one host."""
    if not facts.spans_hosts:
        return
    for store in facts.local_stores:
        if store.holds_requests:
            yield Error(
                f"{store.name} is kept on each host, and the roles are "
                f'"{listed_roles(facts.plan.roles)}": {store.lost}.',
                hint=f"{store.cure} {_ONE_HOST}",
                obj=store.setting,
                id="tandem.E017",
            )


def read_local_servers() -> Iterator[tuple[str, str]]:
    """Yield each setting that names a server without a host, and what it names."""
    for alias, layer in (getattr(django_settings, "CHANNEL_LAYERS", None) or {}).items():
        hosts = (layer.get("CONFIG") or {}).get("hosts")
        for host in hosts if isinstance(hosts, list | tuple) else ():
            address = read_address(host)
            if address is not None and address.path:
                yield f'CHANNEL_LAYERS["{alias}"]', f"the socket {address.path}"
    scheme = str(getattr(django_settings, "CELERY_BROKER_URL", "")).partition("://")[0]
    if scheme in _LOCAL_BROKERS:
        # Not the whole URL, which may have a password.
        yield "CELERY_BROKER_URL", f"a broker by {scheme}"
