"""What a response needs to be sent and closed."""

from collections.abc import Iterator
from typing import Any

from django.http.response import HttpResponseBase

from django_tandem.handler.internals import closers_of, only_computes
from django_tandem.handler.protocol import Message


def is_plain(response: Any, bytes_at_once: int) -> bool:
    """Return whether it is whole, small and without cookies, which differ between Djangos."""
    return not (response.streaming or response.cookies or len(response.content) > bytes_at_once)


def messages_of(response: Any) -> Iterator[Message]:
    """Yield what a plain response is sent as."""
    headers = [
        (
            name.encode("ascii") if isinstance(name, str) else bytes(name),
            value.encode("latin1") if isinstance(value, str) else bytes(value),
        )
        for name, value in response.items()
    ]
    yield {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": headers,
    }
    yield {"type": "http.response.body", "body": response.content, "more_body": False}


def needs_thread_to_close(response: Any) -> bool:
    """Return whether closing it closes more than a request that holds nothing."""
    if type(response).close is not HttpResponseBase.close:
        return True
    return not all(map(only_computes, closers_of(response)))
