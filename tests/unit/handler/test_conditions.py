"""When a hook of Django's own middleware runs on a thread."""

import pytest
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import path

from handler.client import request_once, thread_switches

AUTH = "django.contrib.auth.middleware."
COMMON = "django.middleware.common.CommonMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
LOCALE = "django.middleware.locale.LocaleMiddleware"
COOKIES = "django.contrib.sessions.backends.signed_cookies"
MEMORY = "django.contrib.sessions.backends.cache"
GZIPPED = [(b"accept-encoding", b"gzip")]


async def view(request):
    return HttpResponse("x" * int(request.headers.get("x-size", "10")))


async def writes_session(request):
    await request.session.aset("key", "value")
    return HttpResponse()


async def adds_message(request):
    from django.contrib import messages

    messages.info(request, "saved")
    return HttpResponse()


async def takes_token(request):
    return HttpResponse(get_token(request))


urlpatterns = [
    path("", view),
    path("session/", writes_session),
    path("message/", adds_message),
    path("token/", takes_token),
]


def size(count):
    return [*GZIPPED, (b"x-size", str(count).encode())]


def test_a_small_body_is_compressed_on_the_loop_and_a_large_one_on_a_thread(serve):
    """Compression blocks for as long as it takes."""
    application = serve(__name__, GZIP)

    assert request_once(application, headers=size(2000)).headers["content-encoding"] == "gzip"
    assert thread_switches(application, headers=size(2000)) == 0
    assert thread_switches(application, headers=size(20_000)) == 1


def test_a_changed_session_is_saved_on_the_thread(serve):
    """An unchanged session is not saved, and one in a cookie needs no thread."""
    in_cache = serve(__name__, SESSION, SESSION_ENGINE=MEMORY)
    assert thread_switches(in_cache) == 0
    # The same thread closes the cache.
    assert "sessionid" in request_once(in_cache, "/session/").headers["set-cookie"]
    assert thread_switches(in_cache, "/session/") == 1

    in_cookie = serve(__name__, SESSION, SESSION_ENGINE=COOKIES)
    assert "sessionid" in request_once(in_cookie, "/session/").headers["set-cookie"]
    assert thread_switches(in_cookie, "/session/") == 0


def test_messages_are_stored_on_the_thread(serve):
    """A lazy text may query the database when it is written."""
    application = serve(__name__, SESSION, MESSAGES, SESSION_ENGINE=COOKIES)

    assert thread_switches(application) == 0
    assert "messages" in request_once(application, "/message/").headers["set-cookie"]
    assert thread_switches(application, "/message/") == 1


def test_a_custom_message_storage_runs_on_the_thread(serve):
    """Its constructor may block."""
    storage = "handler.test_conditions.Storage"
    application = serve(
        __name__, SESSION, MESSAGES, SESSION_ENGINE=COOKIES, MESSAGE_STORAGE=storage
    )

    assert thread_switches(application) == 2


def test_a_csrf_token_is_set_on_the_loop_and_checked_on_the_thread(serve):
    """A form may be long, and a view of the project answers a rejected request."""
    application = serve(__name__, CSRF)

    assert thread_switches(application, "/token/") == 0
    assert request_once(application, "/", method="POST").status == 403
    cookie = request_once(application, "/token/").headers["set-cookie"].split(";")[0]
    token = cookie.partition("=")[2].encode()
    headers = [(b"cookie", cookie.encode()), (b"x-csrftoken", token)]
    assert request_once(application, "/", method="POST", headers=headers).status == 200
    assert thread_switches(application, "/", method="POST", headers=headers) == 1


@pytest.mark.parametrize("cookie", [None, b"sessionid=12345678901234567890123456789012"])
def test_a_csrf_token_in_a_session_is_read_on_the_thread(serve, cookie):
    """Without a session cookie there is nothing to load, and no thread is needed."""
    application = serve(__name__, SESSION, CSRF, SESSION_ENGINE=MEMORY, CSRF_USE_SESSIONS=True)

    headers = [] if cookie is None else [(b"cookie", cookie)]

    assert thread_switches(application, headers=headers) == (0 if cookie is None else 1)


def test_a_missing_slash_is_looked_up_on_the_thread(serve):
    """A converter of the project may query the database."""
    application = serve(__name__, COMMON)

    assert request_once(application, "/token").headers["location"] == "/token/"


def test_login_required_redirects_an_anonymous_client_without_a_thread_switch(serve):
    """There is no session to load, and the redirect is computed."""
    middleware = (SESSION, f"{AUTH}AuthenticationMiddleware", f"{AUTH}LoginRequiredMiddleware")
    application = serve(__name__, *middleware, SESSION_ENGINE=MEMORY)

    assert request_once(application).headers["location"] == "/accounts/login/?next=/"
    assert thread_switches(application) == 0


def test_a_language_is_activated_on_the_loop(serve):
    """The view sees it, and the next request does not."""
    application = serve(__name__, LOCALE)
    headers = [(b"accept-language", b"de")]

    assert request_once(application, headers=headers).headers["content-language"] == "de"
    assert request_once(application).headers["content-language"] == "en"
    assert thread_switches(application, headers=headers) == 0


class Storage:
    """A custom message storage."""

    used = added_new = False

    def __init__(self, request):
        pass

    def update(self, response):
        return []
