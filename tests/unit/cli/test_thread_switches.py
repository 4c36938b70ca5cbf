"""`tandem plan` lists the thread switches of a request on ASGI, their causes and cures."""

from builders import plan, project, verdict, websocket
from django_tandem.cli.plan import as_json, switch_lines
from django_tandem.model import Middleware, Stack, View

SESSIONS = Middleware(
    dotted="django.contrib.sessions.middleware.SessionMiddleware",
    thread_switches=2,
    why="process_request, process_response",
)
TENANT = Middleware(dotted="shop.middleware.Tenant", thread_switches=1, why="process_request")
TIMING = Middleware(
    dotted="shop.middleware.timing", thread_switches=2, why="synchronous only", is_sync_only=True
)
FREE = Middleware(dotted="shop.middleware.free")
ASYNC = verdict("/feed/", Stack.ASGI, view=View(dotted="shop.feed", is_coroutine=True))
SYNC = verdict("/list/", Stack.ASGI)
CONSUMER = verdict("/sse/", Stack.ASGI, by_django=False)


def _lines(*verdicts, middleware=(SESSIONS, TENANT, FREE), stock=True) -> list[str]:
    return switch_lines(plan(*verdicts, middleware=middleware, has_stock_handler=stock))


def _switches(given, of) -> tuple[object, object]:
    found = as_json(given, of)
    return found["hops"], found["middleware"]


def test_the_switches_are_listed_once_for_all_routes() -> None:
    """Django's own middleware is named by its class alone."""
    assert _lines(ASYNC, ASYNC) == [
        "",
        "Each request on ASGI takes 5 thread switches with Django's own handler (see W009): "
        "SessionMiddleware 2, shop.middleware.Tenant 1, Django itself 2.",
        "Middleware with synchronous methods: shop.middleware.Tenant (process_request). "
        "Written as an async function, it causes no thread switch.",
        "Django's own middleware is synchronous inside: leave out of MIDDLEWARE what no route "
        "needs.",
    ]


def test_a_synchronous_view_on_asgi_takes_one_more() -> None:
    """A pin or a mark serves it on ASGI."""
    (_, line) = _lines(ASYNC, SYNC, middleware=())

    assert line == (
        "Each request on ASGI takes 2 thread switches with Django's own handler (see W009): "
        "Django itself 2. A synchronous view takes one more."
    )


def test_the_handler_of_tandem_adds_none() -> None:
    """Middleware without switches is not listed."""
    (_, none) = _lines(ASYNC, SYNC, middleware=(FREE,), stock=False)
    (_, one, _) = _lines(ASYNC, middleware=(TENANT, FREE), stock=False)

    assert (
        none == "Each request on ASGI takes no thread switches. A synchronous view takes one more."
    )
    assert one == "Each request on ASGI takes 1 thread switch: shop.middleware.Tenant 1."


def test_middleware_without_an_async_mode_is_listed_though_it_shares_a_thread() -> None:
    """It holds a thread while the view waits."""
    shared = Middleware(dotted="shop.middleware.first", is_sync_only=True)

    assert _lines(ASYNC, middleware=(shared, TIMING))[2:] == [
        "Middleware without an async mode holds a thread until its view returns: "
        "shop.middleware.first, shop.middleware.timing. Give it an async mode: the "
        "decorator @sync_and_async_middleware alone is not enough, as it must await get_response "
        "when that is a coroutine function."
    ]


def test_without_a_route_on_asgi_behind_middleware_nothing_is_printed() -> None:
    """A WebSocket and an HTTP consumer bypass Django's handler."""
    assert _lines(verdict("/a/"), websocket("/ws/"), CONSUMER) == []


def test_the_json_of_a_route_has_its_switches_and_their_causes() -> None:
    """Middleware without switches is left out."""
    stock = project(middleware=(SESSIONS, FREE), has_stock_handler=True)
    ours = project(middleware=(SESSIONS, FREE))
    forced = {
        "middleware": SESSIONS.dotted,
        "hops": 2,
        "why": "process_request, process_response",
    }

    assert _switches(ASYNC, stock) == (4, [forced])
    assert _switches(ASYNC, ours) == (2, [forced])
    assert _switches(SYNC, stock) == (5, [forced])
    assert _switches(CONSUMER, stock) == (0, [])


def test_only_http_on_asgi_has_a_number_of_thread_switches() -> None:
    """Null in the JSON says that there are none to count."""
    for given in (verdict("/a/"), websocket("/ws/")):
        assert _switches(given, project(middleware=(SESSIONS,))) == (None, [])
