"""Checks of databases, and of stores that a process or a host keeps for itself."""

from typing import Any

import pytest
from checks.gathered import facts
from checks.messages import contents, ids
from django.db import connections
from django.test import override_settings

from builders import verdict, websocket
from django_tandem.checks.channels import layer_is_shared
from django_tandem.checks.facts import AsyncView, DatabaseFacts, Facts, Layer, LocalStore
from django_tandem.checks.stores import (
    async_views_have_no_transaction,
    connections_are_not_leaked,
    databases_are_reached,
    directories_exist,
    read_databases,
    read_local_servers,
    read_local_stores,
    servers_are_reached,
    stores_are_reached,
    stores_are_shared,
)
from django_tandem.model import Stack
from django_tandem.project.asgi_routes import AsgiFacts

STORE = LocalStore(
    name='The cache "default"',
    setting="CACHES",
    lost="sessions get lost",
    cure="Use another.",
    check="tandem.W011",
)
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


def test_a_store_in_one_of_several_processes_is_a_warning() -> None:
    """The number is that of the plan, over both stacks."""
    found = facts(verdict("/"), verdict("/a/", Stack.ASGI), local_stores=(STORE,))

    assert contents(stores_are_shared(found)) == [
        (
            "tandem.W011",
            "CACHES",
            'The cache "default" is kept in each process, and 4 of them serve the project: '
            "sessions get lost.",
            "Use another.",
        )
    ]


def test_one_process_shares_its_stores() -> None:
    """Waitress has threads, and Gunicorn may have one worker."""
    for wsgi in ({"WORKERS": 1}, {"SERVER": "waitress", "WORKERS": 4}):
        found = facts(verdict("/"), tandem={"WSGI": wsgi}, local_stores=(STORE,))
        assert ids(stores_are_shared(found)) == []


SQLITE = "django.db.backends.sqlite3"
POSTGRES = "django.db.backends.postgresql"
HTTP_ON_ASGI = (verdict("/feed/", Stack.ASGI),)
STOCK = ("config.asgi",)


def _database(**changes) -> DatabaseFacts:
    return DatabaseFacts(**{"alias": "default", "engine": SQLITE, **changes})


def test_an_async_view_under_atomic_requests_is_found() -> None:
    """Django raises RuntimeError at each request; the routes are named."""
    views = (AsyncView(pattern="/feed/"), AsyncView(pattern="/<int:pk>/"))
    found = facts(async_views=views, databases=(_database(atomic_requests=True),))

    assert contents(async_views_have_no_transaction(found)) == [
        (
            "tandem.W018",
            "DATABASES",
            'DATABASES["default"]["ATOMIC_REQUESTS"] is True, and no async view can run in a '
            "transaction: Django answers 500 at /feed/, /<int:pk>/.",
            "Put @transaction.non_atomic_requests on each, from django.db.",
        )
    ]


def test_only_so_many_views_are_named() -> None:
    """The rest are counted."""
    views = tuple(AsyncView(pattern=f"/{number}/") for number in range(7))
    found = facts(async_views=views, databases=(_database(atomic_requests=True),))
    (message,) = async_views_have_no_transaction(found)

    assert message.msg.endswith("at /0/, /1/, /2/, /3/, /4/ and 2 more.")


def test_an_exempted_view_is_exempted_from_one_database() -> None:
    """The hint names the other."""
    view = AsyncView(pattern="/feed/", exempt=frozenset({"default"}))
    default = _database(atomic_requests=True)
    second = _database(alias="second", atomic_requests=True)

    (message,) = async_views_have_no_transaction(
        facts(async_views=(view,), databases=(default, second))
    )

    assert message.hint == (
        'Put @transaction.non_atomic_requests(using="second") on each, from django.db.'
    )
    assert (
        ids(async_views_have_no_transaction(facts(async_views=(view,), databases=(default,)))) == []
    )


def test_async_views_without_atomic_requests_are_fine() -> None:
    """And so are transactions without async views."""
    view = AsyncView(pattern="/feed/")

    found = facts(async_views=(view,), databases=(_database(),), stock_modules=STOCK)

    assert ids(async_views_have_no_transaction(found)) == []
    atomic = facts(databases=(_database(atomic_requests=True),))
    assert ids(async_views_have_no_transaction(atomic)) == []


@pytest.mark.parametrize(
    ("engine", "hint"),
    [
        (SQLITE, "set it to 0."),
        (
            POSTGRES,
            'set it to 0 and take Django\'s pool, "OPTIONS": {"pool": True}, which serves both '
            "stacks.",
        ),
    ],
)
def test_persistent_connections_on_asgi_are_a_warning(engine, hint) -> None:
    """Where Django has a pool, the hint offers it."""
    databases = (_database(engine=engine, conn_max_age=60),)
    found = facts(*HTTP_ON_ASGI, databases=databases, stock_modules=STOCK)

    assert contents(connections_are_not_leaked(found)) == [
        (
            "tandem.W006",
            "DATABASES",
            'DATABASES["default"]["CONN_MAX_AGE"] is 60, and Django\'s own ASGI application gives '
            "each request its own thread: no later request uses the connection it keeps open.",
            "Import get_asgi_application from django_tandem.asgi, which keeps the threads; or "
            + hint,
        )
    ]


def test_a_connection_that_is_never_closed_is_persistent() -> None:
    """None is not 0."""
    databases = (_database(conn_max_age=None),)
    found = facts(*HTTP_ON_ASGI, databases=databases, stock_modules=STOCK)

    assert ids(connections_are_not_leaked(found)) == ["tandem.W006"]


@pytest.mark.parametrize("verdicts", [(), (verdict("/"),), (websocket("/ws/"),)])
def test_persistent_connections_are_fine_without_http_on_asgi(verdicts) -> None:
    """WSGI's workers keep their thread, and consumers share one."""
    found = facts(*verdicts, databases=(_database(conn_max_age=60),), stock_modules=STOCK)

    assert ids(connections_are_not_leaked(found)) == []


def test_persistent_connections_are_fine_with_our_application() -> None:
    """It keeps the threads, and so their connections."""
    found = facts(*HTTP_ON_ASGI, databases=(_database(conn_max_age=60),))

    assert ids(connections_are_not_leaked(found)) == []


def test_connections_closed_after_each_request_are_fine() -> None:
    """Django's default."""
    found = facts(*HTTP_ON_ASGI, databases=(_database(),), stock_modules=STOCK)

    assert ids(connections_are_not_leaked(found)) == []


def test_a_database_in_a_directory_that_does_not_exist_is_a_warning() -> None:
    """SQLite makes the file and not its directory."""
    found = facts(databases=(_database(missing_directory="/srv/var"), _database(alias="other")))

    assert contents(directories_exist(found)) == [
        (
            "tandem.W016",
            "DATABASES",
            'DATABASES["default"]["NAME"] is in /srv/var, which does not exist: every query fails.',
            "Make the directory and run `manage.py migrate`, or correct the path.",
        )
    ]


@pytest.mark.parametrize(
    ("engine", "name", "missing"),
    [
        (SQLITE, "{}/absent/db.sqlite3", "{}/absent"),
        (SQLITE, "{}/db.sqlite3", None),
        (SQLITE, ":memory:", None),
        (SQLITE, "file:shared?mode=memory", None),
        (POSTGRES, "/no/path", None),
    ],
)
def test_only_a_file_of_sqlite_has_a_directory(
    engine, name, missing, tmp_path, monkeypatch
) -> None:
    """It is looked for without a connection."""
    database = {
        "ENGINE": engine,
        "NAME": name.format(tmp_path),
        "CONN_MAX_AGE": 0,
        "ATOMIC_REQUESTS": False,
    }
    monkeypatch.setattr(connections, "settings", {"default": database})

    (found,) = read_databases()
    assert found.missing_directory == (missing and missing.format(tmp_path))


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
