"""The hops of a request on ASGI are shown with who forces them and what to do."""

from builders import plan, project, verdict, websocket
from django_tandem.cli import hops
from django_tandem.model import Middleware, Stack, View

SESSIONS = Middleware(
    dotted="django.contrib.sessions.middleware.SessionMiddleware",
    hops=2,
    why="process_request, process_response",
)
TENANT = Middleware(dotted="shop.middleware.Tenant", hops=1, why="process_request")
TIMING = Middleware(
    dotted="shop.middleware.timing", hops=2, why="synchronous only", is_sync_only=True
)
FREE = Middleware(dotted="shop.middleware.free")
ASYNC = verdict("/feed/", Stack.ASGI, view=View(dotted="shop.feed", is_coroutine=True))
SYNC = verdict("/list/", Stack.ASGI)
CONSUMER = verdict("/sse/", Stack.ASGI, by_django=False)


def _shown(capsys, *verdicts, middleware=(SESSIONS, TENANT, FREE), stock=True) -> list[str]:
    hops.show(plan(*verdicts, middleware=middleware, has_stock_handler=stock))
    return capsys.readouterr().out.splitlines()


def test_the_hops_are_told_once_for_the_stack_of_middleware(capsys) -> None:
    """However many routes go through it; Django's own are named by their class alone."""
    assert _shown(capsys, ASYNC, ASYNC) == [
        "",
        "Each request on ASGI takes 5 thread hops with Django's own handler (see W009): "
        "SessionMiddleware 2, shop.middleware.Tenant 1, Django itself 2.",
        "With synchronous methods: shop.middleware.Tenant (process_request). "
        "Write it as an async function: no hop.",
        "Django's own are synchronous inside: leave out of MIDDLEWARE what no route needs.",
    ]


def test_a_synchronous_view_on_asgi_takes_one_more(capsys) -> None:
    """A pin or a mark brought it there."""
    (_, told) = _shown(capsys, ASYNC, SYNC, middleware=())

    assert told == (
        "Each request on ASGI takes 2 thread hops with Django's own handler (see W009): "
        "Django itself 2. A synchronous view takes one more."
    )


def test_our_handler_takes_none_itself(capsys) -> None:
    """Nor for the middleware that it knows, of which nothing is said."""
    (_, none) = _shown(capsys, ASYNC, SYNC, middleware=(FREE,), stock=False)
    (_, one, _) = _shown(capsys, ASYNC, middleware=(TENANT, FREE), stock=False)

    assert none == "Each request on ASGI takes no thread hops. A synchronous view takes one more."
    assert one == "Each request on ASGI takes 1 thread hop: shop.middleware.Tenant 1."


def test_middleware_without_an_async_mode_is_told_of_though_it_shares_a_thread(capsys) -> None:
    """It is what holds a thread while the view waits."""
    shared = Middleware(dotted="shop.middleware.first", is_sync_only=True)

    assert _shown(capsys, ASYNC, middleware=(shared, TIMING))[2:] == [
        "Without an async mode, so that each request holds a thread until its view is done: "
        "shop.middleware.first, shop.middleware.timing. Give it one: @sync_and_async_middleware, "
        "from django.utils.decorators."
    ]


def test_nothing_is_told_where_nothing_goes_through_middleware_on_asgi(capsys) -> None:
    """WSGI takes no hop, and a WebSocket and an HTTP consumer pass by Django's handler."""
    assert _shown(capsys, verdict("/a/"), websocket("/ws/"), CONSUMER) == []


def test_a_route_says_its_own_hops_and_who_forces_them() -> None:
    """As `tandem plan --json` has it; what forces none is left out."""
    stock = project(middleware=(SESSIONS, FREE), has_stock_handler=True)
    ours = project(middleware=(SESSIONS, FREE))
    forced = {
        "middleware": SESSIONS.dotted,
        "hops": 2,
        "why": "process_request, process_response",
    }

    assert hops.row(ASYNC, stock) == {"hops": 4, "middleware": [forced]}
    assert hops.row(ASYNC, ours) == {"hops": 2, "middleware": [forced]}
    assert hops.row(SYNC, stock) == {"hops": 5, "middleware": [forced]}
    assert hops.row(CONSUMER, stock) == {"hops": 0, "middleware": []}


def test_a_route_that_is_not_http_on_asgi_has_no_hops() -> None:
    """None says that the question does not arise."""
    for given in (verdict("/a/"), websocket("/ws/")):
        assert hops.row(given, project(middleware=(SESSIONS,))) == {"hops": None, "middleware": []}
