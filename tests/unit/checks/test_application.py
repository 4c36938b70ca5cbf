"""A project is told where it makes Django's own ASGI application, and what the other gains."""

from checks.saying import told

from django_tandem.checks.application import application_is_ours
from django_tandem.checks.facts import Facts


def test_djangos_own_application_is_a_warning() -> None:
    """By the module in which one import changes."""
    assert told(application_is_ours(Facts(stock_modules=("config.asgi",)))) == [
        (
            "tandem.W009",
            "config.asgi",
            "config.asgi makes Django's own ASGI application: each sync middleware is a thread "
            "hop, and each request with sync code takes a thread and a database connection of its "
            "own.",
            "Import get_asgi_application from django_tandem.asgi instead: Django's own middleware "
            "runs without hops, a sync view takes one, and threads and their connections are "
            "bounded and kept.",
        )
    ]


def test_ours_is_not_spoken_of() -> None:
    """Nor a project without any."""
    assert application_is_ours(Facts()) == []
