"""Checks of databases, and of stores that each process keeps for itself."""

import pytest
from checks.gathered import facts
from checks.messages import contents, ids
from django.db import connections

from builders import verdict, websocket
from django_tandem.checks.facts import AsyncView, DatabaseFacts, LocalStore
from django_tandem.checks.stores import (
    async_views_have_no_transaction,
    connections_are_not_leaked,
    directories_exist,
    read_databases,
    stores_are_shared,
)
from django_tandem.model import Stack

STORE = LocalStore(
    name='The cache "default"',
    setting="CACHES",
    lost="sessions get lost",
    cure="Use another.",
    check="tandem.W011",
)


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
