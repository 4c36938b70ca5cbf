"""Whether one master runs both servers, and what only such a master can do."""

from django_tandem.errors import SettingError
from django_tandem.model import Recycle
from django_tandem.servers import shared_master
from django_tandem.settings import Settings

RECYCLE = 'TANDEM["RECYCLE"]'


def is_shared(settings: Settings, *, has_both: bool) -> bool:
    """
    Return whether the servers share a master.

    Raises SettingError for a RECYCLE that nothing could carry out.
    """
    found = recycle(settings)
    reason, hint = _why_not(settings, has_both=has_both)
    if reason and found != Recycle():
        raise SettingError(f"{RECYCLE} is for the shared master, and {reason}.", hint=hint)
    return not reason


def recycle(settings: Settings) -> Recycle:
    """Return the bounds of a worker; raises SettingError where two options set the same one."""
    given, max_requests = settings.recycle, settings.wsgi.max_requests
    if given.requests and max_requests:
        raise SettingError(
            f'{RECYCLE}["REQUESTS"] is {given.requests}, and TANDEM["WSGI"]["MAX_REQUESTS"] is '
            f"{max_requests}.",
            hint="Remove one: REQUESTS is for the workers of both stacks.",
        )
    return Recycle(memory_bytes=given.memory or 0, age_s=given.age or 0, requests=given.requests)


def _why_not(settings: Settings, *, has_both: bool) -> tuple[str, str]:
    """Return why there is no shared master, and how to have one; both empty when there is."""
    wsgi, asgi = settings.wsgi.server, settings.asgi.server
    if not settings.shared_master:
        return 'TANDEM["SHARED_MASTER"] is False', "Remove one of them."
    if not has_both:
        return (
            "WSGI alone is served here",
            'Remove it, or set TANDEM["ASGI"]["ALWAYS"] to True.',
        )
    if wsgi not in shared_master.WSGI_SERVERS or asgi not in shared_master.ASGI_SERVERS:
        return (
            f"{wsgi} and {asgi} have none",
            "Remove it, or choose gunicorn and uvicorn.",
        )
    if not shared_master.can_share(wsgi, asgi):
        return (
            "django-tandem does not know the code of the installed versions of its servers",
            "Remove it, or install versions that django-tandem is tested with.",
        )
    return "", ""
