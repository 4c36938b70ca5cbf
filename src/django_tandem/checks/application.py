"""Check of who makes Django's part of the ASGI application: Django, or us."""

from collections.abc import Iterable

from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name

from django_tandem.checks.facts import Facts
from django_tandem.errors import ProjectError
from django_tandem.project.asgi_application import holds_stock_handler, import_application


def read_stock_modules(asgi: str | None, importers: Iterable[str]) -> tuple[str, ...]:
    """
    Return the modules that make Django's own application, as a part of the one at ``asgi``.

    ``importers`` are those that import the function which makes it. One that `tandem up` serves
    ours in the place of is none.
    """
    if asgi is None:
        return ()
    try:
        application = import_application(asgi)
    except ProjectError:
        return ()
    if not holds_stock_handler(application):
        return ()
    return tuple(importers) or (asgi.rpartition(".")[0],)


def application_is_ours(facts: Facts) -> list[CheckMessage]:
    """Find an ASGI application that holds Django's own, where ours takes fewer threads."""
    return [
        Warning(
            f"{module} makes Django's own ASGI application: each sync middleware is a thread hop, "
            "and each request with sync code takes a thread and a database connection of its own.",
            hint="Import get_asgi_application from django_tandem.asgi instead: Django's own "
            "middleware runs without hops, a sync view takes one, and threads and their "
            "connections are bounded and kept.",
            obj=module,
            id="tandem.W009",
        )
        for module in facts.stock_modules
    ]
