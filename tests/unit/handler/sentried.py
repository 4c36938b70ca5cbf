"""Serves requests beside Sentry, and prints what Sentry was told: python sentried.py stock|ours."""

import asyncio
import json
import sys
import threading

import sentry_sdk
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.urls import path
from sentry_sdk.transport import Transport

from handler.asking import ask

TOLD = []


def threaded(request):
    return HttpResponse(threading.current_thread().name)


def fails(request):
    raise LookupError("as an example")


async def awaited(request):
    await asyncio.sleep(0.01)
    sentry_sdk.capture_message(f"seen {request.GET['n']}")
    return HttpResponse("awaited")


urlpatterns = [path("threaded/", threaded), path("fails/", fails), path("awaited/", awaited)]


class Noting(Transport):
    """Keeps what tells one event from another, and sends nothing."""

    def capture_envelope(self, envelope) -> None:
        """Note what each event is, and of which request."""
        for event in (item.payload.json or {} for item in envelope.items):
            what = "exception" if "exception" in event else event.get("message", event.get("type"))
            if "request" in event:
                TOLD.append([what, event["transaction"], event["request"]["query_string"]])


def configure() -> None:
    """Set Sentry up where projects do, among the settings."""
    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Noting, traces_sample_rate=1.0)
    settings.configure(
        ALLOWED_HOSTS=["*"],
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="for tests",
    )


async def several(application) -> list[str]:
    """Ask for all of them at once, and more often than a context could go unseen."""
    paths = [f"/{view}/?n={n}" for n in range(4) for view in ("threaded", "fails", "awaited")]
    answers = await asyncio.gather(*(_asked(application, *each.split("?")) for each in paths))
    return sorted(set(answers))


async def _asked(application, where: str, query: str) -> str:
    client = await ask(application, where, query=query.encode())
    return f"{client.status} {client.text[:13]}"


def main(handler: str) -> None:
    configure()
    application = ASGIHandler()
    if handler == "ours":
        from django_tandem.inprocess.django_handler import with_our_handler

        application = with_our_handler(application)
    answers = asyncio.run(several(application))
    sentry_sdk.flush()
    print(json.dumps({"answers": answers, "told": sorted(TOLD)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
