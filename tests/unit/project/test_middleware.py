"""What middleware costs on ASGI, counted, and proved by a request through each handler."""

import asyncio
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from asgiref.sync import AsyncToSync, SyncToAsync, iscoroutinefunction
from django.contrib.auth.decorators import login_not_required
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils.decorators import (
    async_only_middleware,
    sync_and_async_middleware,
    sync_only_middleware,
)
from django.utils.deprecation import MiddlewareMixin
from project.builders import route

from django_tandem.errors import ProjectError
from django_tandem.handler.application import DjangoApplication
from django_tandem.model import Middleware
from django_tandem.project.middleware import count_thread_switches, read_middleware

SECURITY = "django.middleware.security.SecurityMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
FRAMES = "django.middleware.clickjacking.XFrameOptionsMiddleware"
STARTPROJECT = (SECURITY, SESSION, COMMON, CSRF, AUTH, MESSAGES, FRAMES)
CSP = "django.middleware.csp.ContentSecurityPolicyMiddleware"

# Each behind what it needs.
STOCK = [
    (SECURITY,),
    (SESSION,),
    (COMMON,),
    (CSRF,),
    (SESSION, AUTH),
    (SESSION, MESSAGES),
    (FRAMES,),
    (SESSION, AUTH, "django.contrib.auth.middleware.LoginRequiredMiddleware"),
    (SESSION, AUTH, "django.contrib.auth.middleware.RemoteUserMiddleware"),
    (SESSION, AUTH, "django.contrib.auth.middleware.PersistentRemoteUserMiddleware"),
    (SESSION, AUTH, "django.contrib.admindocs.middleware.XViewMiddleware"),
    ("django.contrib.sites.middleware.CurrentSiteMiddleware",),
    ("django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",),
    ("django.contrib.redirects.middleware.RedirectFallbackMiddleware",),
    ("django.middleware.cache.UpdateCacheMiddleware",),
    ("django.middleware.cache.FetchFromCacheMiddleware",),
    ("django.middleware.cache.CacheMiddleware",),
    ("django.middleware.common.BrokenLinkEmailsMiddleware",),
    ("django.middleware.gzip.GZipMiddleware",),
    ("django.middleware.http.ConditionalGetMiddleware",),
    ("django.middleware.locale.LocaleMiddleware",),
    *([(CSP,)] if importlib.util.find_spec("django.middleware.csp") else []),
]


# They ask for a page with GET.
PAGES = [
    ("django.middleware.cache.FetchFromCacheMiddleware",),
    ("django.middleware.cache.CacheMiddleware",),
]


class Methods(MiddlewareMixin):
    def process_request(self, request): ...

    def process_view(self, request, view, args, kwargs): ...

    def process_response(self, request, response):
        return response

    def process_exception(self, request, exception): ...


class AsyncView(MiddlewareMixin):
    async def process_view(self, request, view, args, kwargs): ...


class OwnPath(Methods):
    async def __acall__(self, request):
        return await self.get_response(request)


class OldStyle:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs): ...


@sync_only_middleware
def sync_only(get_response):
    def middleware(request):
        return get_response(request)

    return middleware


@async_only_middleware
def async_only(get_response):
    async def middleware(request):
        return await get_response(request)

    return middleware


@sync_and_async_middleware
def either(get_response):
    return (
        async_only(get_response) if iscoroutinefunction(get_response) else sync_only(get_response)
    )


METHODS, VIEW, OWN, OLD, SYNC, ASYNC, EITHER = (
    f"{__name__}.{one.__name__}"
    for one in (Methods, AsyncView, OwnPath, OldStyle, sync_only, async_only, either)
)

OF_ONES_OWN = [
    (),
    (METHODS,),
    (VIEW,),
    (OWN,),
    (OLD,),
    (SYNC,),
    (ASYNC,),
    (EITHER,),
    (SYNC, SYNC, SYNC),
    (METHODS, SYNC),
    (SYNC, METHODS),
    (EITHER, OLD, METHODS),
    (METHODS, ASYNC, METHODS, SYNC, METHODS),
    (SYNC, ASYNC, OLD, EITHER, SYNC),
    (*STARTPROJECT, SYNC),
    (SYNC, *STARTPROJECT),
]


@login_not_required
async def waits(request):
    return HttpResponse("here")


@login_not_required
def blocks(request):
    return HttpResponse("here")


URLS = ModuleType("urls")
URLS.urlpatterns = [path("waits/", waits), path("blocks/", blocks)]


@pytest.fixture
def crossings(monkeypatch) -> list[str]:
    """Each crossing between the event loop and a thread, by the only two ways that there are."""
    crossed: list[str] = []

    def counted(cls):
        call = cls.__call__

        def counting(self, *args, **kwargs):
            crossed.append(repr(self))
            return call(self, *args, **kwargs)

        monkeypatch.setattr(cls, "__call__", counting)

    counted(SyncToAsync)
    counted(AsyncToSync)
    return crossed


@pytest.fixture
def project():
    """All that stock middleware asks of a project."""
    apps = ("auth", "contenttypes", "flatpages", "messages", "redirects", "sessions", "sites")
    with override_settings(
        ROOT_URLCONF=URLS,
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="for tests alone",
        INSTALLED_APPS=[f"django.contrib.{app}" for app in apps],
        SITE_ID=1,
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    ):
        from django.contrib.sites.models import SITE_CACHE, Site

        # What the database would hold.
        SITE_CACHE[1] = Site(id=1, domain="testserver", name="testserver")
        yield
        SITE_CACHE.clear()


async def _ask(where: str, handler: type[ASGIHandler]) -> int:
    """Send a GET request through the handler."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": where,
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
        "server": ("testserver", 80),
    }
    waiting = [{"type": "http.request", "body": b"", "more_body": False}]
    sent = []

    async def receive():
        return waiting.pop() if waiting else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    await handler()(scope, receive, send)
    return sent[0]["status"]


@pytest.mark.parametrize("middleware", [*STOCK, *OF_ONES_OWN, STARTPROJECT], ids=str)
@pytest.mark.parametrize(("where", "is_coroutine"), [("/waits/", True), ("/blocks/", False)])
def test_the_switches_counted_are_those_of_djangos_handler(
    middleware, where, is_coroutine, project, crossings
) -> None:
    """A request through Django's handler crosses as often as was counted."""
    with override_settings(MIDDLEWARE=list(middleware)):
        status = asyncio.run(_ask(where, ASGIHandler))
        found = read_middleware(is_stock=True)
        counted = count_thread_switches(route(is_coroutine=is_coroutine), found, is_stock=True)

    assert (status, len(crossings)) == (200, counted)


@pytest.mark.parametrize("middleware", [*STOCK, *OF_ONES_OWN, STARTPROJECT], ids=str)
@pytest.mark.parametrize(("where", "is_coroutine"), [("/waits/", True), ("/blocks/", False)])
def test_the_switches_counted_are_those_of_our_handler(
    middleware, where, is_coroutine, project, crossings
) -> None:
    """A sync view may share one, and a cache that looks a page up takes one more."""
    with override_settings(MIDDLEWARE=list(middleware)):
        # The first of all matches a language, and imports the URLconf for it.
        asyncio.run(_ask(where, DjangoApplication))
        crossings.clear()
        status = asyncio.run(_ask(where, DjangoApplication))
        found = read_middleware(is_stock=False)
        counted = count_thread_switches(route(is_coroutine=is_coroutine), found, is_stock=False)

    looked_up = int(middleware in PAGES and is_coroutine)
    assert status == 200
    assert len(crossings) <= counted + looked_up
    assert not is_coroutine or len(crossings) == counted + looked_up


def test_what_startproject_makes_takes_fifteen_switches_and_none_on_our_handler() -> None:
    """Each is named with what costs it."""
    with override_settings(MIDDLEWARE=list(STARTPROJECT)):
        found = read_middleware(is_stock=True)
        ours = read_middleware(is_stock=False)

    assert [(one.dotted.rpartition(".")[2], one.thread_switches, one.why) for one in found] == [
        ("SecurityMiddleware", 2, "process_request, process_response"),
        ("SessionMiddleware", 2, "process_request, process_response"),
        ("CommonMiddleware", 2, "process_request, process_response"),
        ("CsrfViewMiddleware", 3, "process_request, process_response, process_view"),
        ("AuthenticationMiddleware", 1, "process_request"),
        ("MessageMiddleware", 2, "process_request, process_response"),
        ("XFrameOptionsMiddleware", 1, "process_response"),
    ]
    assert count_thread_switches(route(is_coroutine=True), found, is_stock=True) == 15
    assert count_thread_switches(route(is_coroutine=True), ours, is_stock=False) == 0


def test_a_synchronous_one_takes_what_stands_outside_of_it_into_its_thread() -> None:
    """Its two switches are the whole cost; view middleware is called from the event loop."""
    with override_settings(MIDDLEWARE=[METHODS, SYNC, EITHER]):
        assert read_middleware(is_stock=True) == (
            Middleware(dotted=METHODS, thread_switches=1, why="process_view"),
            Middleware(dotted=SYNC, thread_switches=2, why="synchronous only", is_sync_only=True),
            Middleware(dotted=EITHER),
        )


def test_what_django_does_not_answer_goes_through_no_middleware() -> None:
    """An HTTP consumer stands in front of Django's handler."""
    middleware = (Middleware(dotted="a", thread_switches=3),)

    assert count_thread_switches(route(by_django=False), middleware, is_stock=True) == 0


def test_a_middleware_that_can_not_be_imported_is_named() -> None:
    """Django would not start with it either."""
    with (
        override_settings(MIDDLEWARE=["no.such.Middleware"]),
        pytest.raises(ProjectError) as raised,
    ):
        read_middleware(is_stock=False)

    assert raised.value.message == (
        'The middleware "no.such.Middleware" can\'t be imported: '
        "ModuleNotFoundError: No module named 'no'"
    )


DOCS = Path(__file__).parents[3] / "docs/explanation/middleware.md"


@pytest.mark.parametrize("index", [0, 1], ids=["a function", "a class"])
def test_the_middleware_of_the_docs_has_both_modes(index) -> None:
    """Django calls it in the mode of what is behind it, and awaits what it returns on ASGI."""
    block = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)[index]
    namespace: dict[str, object] = {}
    exec(block, namespace)
    factory = namespace["timing" if index == 0 else "Timing"]

    async def view(_request: object) -> HttpResponse:
        return HttpResponse()

    served = factory(view)
    assert factory.sync_capable
    assert factory.async_capable
    assert iscoroutinefunction(served)
    assert asyncio.run(served(None))["Server-Timing"].startswith("app;dur=")
    assert factory(lambda _: HttpResponse())(None)["Server-Timing"].startswith("app;dur=")
