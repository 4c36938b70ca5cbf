"""
Prints the thread switches of each case as JSON.

`python -m thread_switches.count stock|ours DATABASE`.

A switch is counted where another thread wakes the event loop: once for each call that the loop
waited for, and once for each coroutine that such a call sends back to it.
"""

import asyncio
import json
import logging
import sys
from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.management import call_command
from django.test.utils import override_settings
from thread_switches.cases import ALONE, TOKEN, WHOLE, Case

from django_tandem.asgi import get_asgi_application
from django_tandem.inprocess import routed_request

WARM, COUNTED = 3, 3


class CountingLoop(asyncio.SelectorEventLoop):
    """A loop that counts how often another thread wakes it."""

    switches = 0

    def call_soon_threadsafe(self, *args: Any, **more: Any) -> asyncio.Handle:
        # From any thread: a future whose work is done before it is waited for is set by the
        # loop's own.
        self.switches += 1
        return super().call_soon_threadsafe(*args, **more)


def configured(database: str) -> None:
    """Set a project up that every middleware finds what it needs in."""
    settings.configure(
        SECRET_KEY="switches",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="thread_switches.urls",
        STATIC_URL="/static/",
        SITE_ID=1,
        CONN_MAX_AGE=60,
        MESSAGE_STORAGE="django.contrib.messages.storage.fallback.FallbackStorage",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        LOGGING_CONFIG=None,
        # allauth refuses to be set up without.
        MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"],
        INSTALLED_APPS=[
            *(f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "sites")),
            *(f"django.contrib.{name}" for name in ("messages", "flatpages", "redirects")),
            *("django.contrib.staticfiles", "django.contrib.admindocs"),
            *("allauth", "allauth.account", "corsheaders", "debug_toolbar"),
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )
    django.setup()
    # A page that is not there is logged; nobody need read it here.
    logging.getLogger("django").addHandler(logging.NullHandler())
    call_command("migrate", verbosity=0)


def signed_in() -> str:
    """Make a user with a session, and return the cookie that says so."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_user("someone"))
    return f"sessionid={client.cookies['sessionid'].value}"


async def send_request(application: Any, case: Case, session: str, number: int) -> None:
    """Send one request, and wait until the application is done with it."""
    messages = [{"type": "http.request", "body": case.form}]

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    async def send(message: dict[str, Any]) -> None:
        if message.get("status", case.status) != case.status:
            raise RuntimeError(f"{case.name}: {message['status']}")

    await application(scope_of(case, session, number), receive, send)


def scope_of(case: Case, session: str, number: int) -> dict[str, Any]:
    """Return the scope; its query is another each time, for what keeps answers."""
    cookies = f"csrftoken={TOKEN}; {session}" if case.signed_in else f"csrftoken={TOKEN}"
    headers = [(b"host", b"testserver"), (b"cookie", cookies.encode())]
    if case.form:
        headers.append((b"content-type", b"application/x-www-form-urlencoded"))
        headers.append((b"content-length", str(len(case.form)).encode()))
    return {
        "type": "http",
        "scheme": "http",
        "method": "POST" if case.form else "GET",
        "path": case.path,
        "query_string": f"n={number}".encode(),
        "headers": headers,
        "client": ("127.0.0.1", 4),
        "server": ("testserver", 80),
    }


async def thread_switches(application: Any, case: Case, cookie: str) -> int:
    """Return the switches of one request to the warm application; raises if they differ."""
    loop = asyncio.get_running_loop()
    counts = []
    for number in range(WARM + COUNTED):
        before = loop.switches
        await send_request(application, case, cookie, number)
        # What an answered request leaves to be done in a thread is its cost too.
        await asyncio.sleep(0.005)
        counts.append(loop.switches - before)
    if len(set(counts[WARM:])) > 1:
        raise RuntimeError(f"{case.name}: {counts}")
    return counts[-1]


def count(handler: str, case: Case, middleware: tuple[str, ...], cookie: str) -> int:
    """Return the switches of one request to a new application with this middleware."""
    with override_settings(MIDDLEWARE=list(middleware)):
        application = ASGIHandler() if handler == "stock" else get_asgi_application()
        with asyncio.Runner(loop_factory=CountingLoop) as runner:
            return runner.run(thread_switches(application, case, cookie))


def main(handler: str, database: str) -> None:
    """Count all; what the installed Django does not have is left out."""
    configured(database)
    cookie = signed_in()
    if handler == "ours":
        # As in a served process: its hook is one more behind each middleware.
        routed_request.install(())
    found = {}
    for case in (*ALONE, *WHOLE):
        try:
            whole = count(handler, case, (*case.needs, *case.middleware), cookie)
        except ImportError:
            continue
        before = count(handler, case, case.needs, cookie) if case.middleware else 0
        found[case.name] = whole - before
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
