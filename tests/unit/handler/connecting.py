"""
Prints what requests do to PostgreSQL as JSON: `python -m handler.connecting DIR MAX_AGE KIND`.

Sixty at once of the KIND of view, on four threads, and then as many again.
"""

import asyncio
import json
import sys
import threading
import time

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created
from django.http import HttpResponse
from django.urls import path

from handler.client import send_request, until

SEEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'handler-test'"
OPENED: list[int] = []
MOST: list[int] = []


def query():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.01)")
        cursor.execute(SEEN)
        MOST.append(cursor.fetchone()[0])


def sync_view(request):
    query()
    return HttpResponse()


async def async_view(request):
    from django.contrib.contenttypes.models import ContentType

    await ContentType.objects.using("default").acount()
    await asyncio.sleep(0.05)
    return HttpResponse()


async def calling_view(request):
    await sync_to_async(query)()
    return HttpResponse()


urlpatterns = [
    path("sync/", sync_view),
    path("async/", async_view),
    path("calling/", calling_view),
]


def configure(host: str, max_age: int) -> None:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="for tests alone",
        INSTALLED_APPS=["django.contrib.contenttypes"],
        TANDEM={"ASGI": {"THREADS": 4}},
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": host,
                "NAME": "postgres",
                "USER": "tandem",
                "CONN_MAX_AGE": max_age,
                "OPTIONS": {"application_name": "handler-test"},
            }
        },
    )
    django.setup()


async def counted(application, view: str) -> list[int]:
    """Ask, and return the statuses and how many connections are open once all is done."""
    from django_tandem.handler.pools import request_pool

    sent = (send_request(application, f"/{view}/") for _ in range(60))
    statuses = {client.status for client in await asyncio.gather(*sent)}
    await until(lambda: len(request_pool().free) == request_pool().size)
    return sorted(statuses)


def count_left(kept: int) -> int:
    """Return how many connections are left, once PostgreSQL has ended those beyond ``kept``."""
    until = time.monotonic() + 10
    while True:
        query()
        left = MOST.pop() - 1
        if left <= kept or time.monotonic() > until:
            return left
        time.sleep(0.05)


def main(host: str, max_age: str, view: str) -> None:
    from django_tandem.asgi import get_asgi_application

    configure(host, int(max_age))
    connection_created.connect(lambda **_: OPENED.append(threading.get_ident()), weak=False)
    application = get_asgi_application()
    if view == "async":
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        connection.close()
        OPENED.clear()
    statuses = [asyncio.run(counted(application, view)) for _ in range(2)]
    opened = len(OPENED)
    left = count_left(kept=len(set(OPENED)) if int(max_age) else 0)
    most = max(MOST, default=0)
    print(json.dumps({"statuses": statuses, "opened": opened, "left": left, "most": most}))


if __name__ == "__main__":
    main(*sys.argv[1:])
