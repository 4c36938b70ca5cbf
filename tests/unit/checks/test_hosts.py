"""What one host keeps for itself is an error where the roles are on several."""

from typing import Any

import pytest
from checks.gathered import facts
from checks.messages import contents, ids
from django.test import override_settings

from builders import verdict, websocket
from django_tandem.checks.channels import layer_is_shared
from django_tandem.checks.facts import DatabaseFacts, Facts, Layer, LocalStore
from django_tandem.checks.hosts import (
    databases_are_reached,
    read_local_servers,
    servers_are_reached,
    stores_are_reached,
)
from django_tandem.checks.stores import read_local_stores, stores_are_shared
from django_tandem.project.asgi_routes import AsgiFacts

PEERS = {
    "WSGI": ["10.0.0.5:9000"],
    "ASGI": ["10.0.0.6:9001"],
    "SECRET": "0123456789abcdef0123456789abcdef",
}
SESSIONS = LocalStore(
    name='The cache "default"',
    setting="CACHES",
    lost="sessions get lost",
    cure="Use another.",
    check="tandem.W011",
    holds_requests=True,
)
FILES = LocalStore(
    name="The directory of the sessions",
    setting="SESSION_ENGINE",
    lost="sessions get lost",
    cure="Use another.",
    check="tandem.E017",
    has_files=True,
    holds_requests=True,
)
ENGINES = "django.contrib.sessions.backends"
FILE_CACHE = "django.core.cache.backends.filebased.FileBasedCache"
ONE_HOST = "Or run all roles on one host, with `--role all`."


def of(roles: str, *, project: dict[str, Any] | None = None, **known: Any) -> Facts:
    project = {"roles": roles, "channel_names": ("mail",), **(project or {})}
    return facts(verdict("/"), websocket("/ws/"), tandem={"PEERS": PEERS}, project=project, **known)


def test_the_embedded_valkey_is_of_one_host() -> None:
    """Its socket is in the run directory."""
    needing = {"needs_redis": True}

    assert contents(servers_are_reached(of("wsgi", project=needing))) == [
        (
            "tandem.E015",
            "CHANNEL_LAYERS",
            "CHANNEL_LAYERS uses the Valkey of `tandem up`, which only this host reaches, and the "
            'roles are "wsgi".',
            "Set REDIS_URL to the URL of a Redis or Valkey server that all hosts reach. "
            f"{ONE_HOST}",
        )
    ]
    for roles in ("all", "edge"):
        assert ids(servers_are_reached(of(roles, project=needing))) == []


def test_a_server_without_a_host_is_of_one_host() -> None:
    """A Unix socket, or a broker in memory or in files."""
    local = (('CHANNEL_LAYERS["default"]', "the socket /run/redis.sock"),)

    assert contents(servers_are_reached(of("asgi", local_servers=local))) == [
        (
            "tandem.E015",
            "CHANNEL_LAYERS",
            'CHANNEL_LAYERS["default"] names the socket /run/redis.sock, which only this host '
            'reaches, and the roles are "asgi".',
            f"Name a server by its host, which all hosts reach. {ONE_HOST}",
        )
    ]
    for roles in ("all", "edge"):
        assert ids(servers_are_reached(of(roles, local_servers=local))) == []


def test_the_servers_without_a_host_are_read() -> None:
    """From the channel layers and the broker of Celery; a password is not shown."""
    hosts = ["unix:///run/redis.sock", ("10.0.0.7", 6379), {"address": "redis://redis:6379"}]
    with override_settings(
        CHANNEL_LAYERS={"default": {"CONFIG": {"hosts": hosts}}, "other": {}},
        CELERY_BROKER_URL="redis+socket://:word@/run/redis.sock",
    ):
        found = list(read_local_servers())

    assert found == [
        ('CHANNEL_LAYERS["default"]', "the socket /run/redis.sock"),
        ("CELERY_BROKER_URL", "a broker by redis+socket"),
    ]


def test_a_layer_in_memory_reaches_no_other_host() -> None:
    """Also where one process serves ASGI, and only consumers send."""
    layers = (Layer(alias="default", backend="channels.layers.InMemoryChannelLayer"),)
    known: dict[str, Any] = {
        "layers": layers,
        "application": AsgiFacts(has_websocket=True),
    }
    ((check, _, message, hint),) = contents(
        layer_is_shared(of("asgi", project={"channel_names": ()}, **known))
    )

    assert check == "tandem.E003"
    assert message == (
        'CHANNEL_LAYERS["default"]["BACKEND"] is "channels.layers.InMemoryChannelLayer", which '
        "keeps messages in one process: messages never reach another host, and the roles are "
        '"asgi".'
    )
    assert hint == (
        'Use "channels_redis.core.RedisChannelLayer" with '
        '{"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]}. '
        "Set REDIS_URL to the URL of a Redis or Valkey server that all hosts reach."
    )


def test_a_database_in_a_file_is_of_one_host() -> None:
    """The edge alone reads no database."""
    databases = (
        DatabaseFacts(alias="default", engine="django.db.backends.sqlite3"),
        DatabaseFacts(alias="other", engine="django.db.backends.postgresql"),
    )

    assert contents(databases_are_reached(of("wsgi,asgi", databases=databases))) == [
        (
            "tandem.E016",
            "DATABASES",
            'DATABASES["default"] is an SQLite database, which only this host reaches, and the '
            'roles are "wsgi,asgi".',
            f"Use a database server that all hosts reach, such as PostgreSQL. {ONE_HOST}",
        )
    ]
    for roles in ("all", "edge"):
        assert ids(databases_are_reached(of(roles, databases=databases))) == []


@pytest.mark.parametrize("store", [SESSIONS, FILES])
def test_sessions_are_shared_by_all_hosts(store) -> None:
    """In a file they are shared by the processes of one alone."""
    assert contents(stores_are_reached(of("asgi", local_stores=(store,)))) == [
        (
            "tandem.E017",
            store.setting,
            f'{store.name} is kept on each host, and the roles are "asgi": sessions get lost.',
            f"Use another. {ONE_HOST}",
        )
    ]
    for roles in ("all", "edge"):
        assert ids(stores_are_reached(of(roles, local_stores=(store,)))) == []


def test_a_store_is_found_once() -> None:
    """What is an error for several hosts is no warning for several processes."""
    both = (SESSIONS, FILES)

    assert ids(stores_are_shared(of("all", local_stores=both))) == ["tandem.W011"]
    assert ids(stores_are_shared(of("wsgi", local_stores=both))) == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"SESSION_ENGINE": f"{ENGINES}.file"}, "The directory of the sessions"),
        (
            {
                "SESSION_ENGINE": f"{ENGINES}.cache",
                "CACHES": {"default": {"BACKEND": FILE_CACHE, "LOCATION": "/tmp/cache"}},
            },
            'The cache "default"',
        ),
    ],
)
def test_sessions_in_files_are_read(changes, name) -> None:
    """Processes share them, and hosts do not."""
    apps = {"INSTALLED_APPS": ["django.contrib.sessions"]}
    with override_settings(**changes, **apps):
        (found,) = read_local_stores(lambda *_: (), has_monitor=True)

    assert (found.name, found.has_files, found.holds_requests) == (name, True, True)
