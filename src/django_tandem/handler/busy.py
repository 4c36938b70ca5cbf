"""What a request gets when no thread came free for it."""

from django.http import HttpResponse

from django_tandem.handler.internals import have_logged
from django_tandem.handler.limits import RETRY_AFTER_S


class BusyError(Exception):
    """All threads are busy, and too many wait for one, or have waited for too long."""


def refusal() -> HttpResponse:
    """Return a 503 that says when to ask again, and that Django does not log as an error."""
    response = HttpResponse(
        "All threads are busy.",
        status=503,
        content_type="text/plain",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )
    have_logged(response)
    return response
