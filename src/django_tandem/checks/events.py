"""Checks of what sends to event streams: what stays in its process reaches few of them."""

from django.core.checks import CheckMessage, Error

from django_tandem.checks.facts import Facts
from django_tandem.model import Protocol, Stack


def events_leave_their_process(facts: Facts) -> list[CheckMessage]:
    """Find event streams by django-eventstream that nothing carries between processes."""
    if not facts.events_in_process or not _serves_http_on_wsgi(facts):
        return []
    of = f" of {', '.join(facts.event_senders)}" if facts.event_senders else ""
    return [
        Error(
            f"EVENTSTREAM_REDIS is not set, so send_event(){of} reaches the clients of its own "
            "process only: what a view on WSGI sends never arrives at an event stream on ASGI.",
            hint='Set it, say to {"host": "127.0.0.1"}, where a Redis or Valkey runs.',
            obj="EVENTSTREAM_REDIS",
            id="tandem.E010",
        )
    ]


def _serves_http_on_wsgi(facts: Facts) -> bool:
    return any(
        verdict.stack is Stack.WSGI and verdict.route.protocol is Protocol.HTTP
        for verdict in facts.verdicts
    )
