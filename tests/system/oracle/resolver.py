"""The view that Django's own resolver picks for a request target."""

from dataclasses import dataclass
from types import ModuleType

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.urls import Resolver404, get_resolver
from django.utils import translation
from django.utils.encoding import repercent_broken_unicode

from django_tandem.inprocess.proxy_headers import split_target
from django_tandem.model import Stack

LOCALE_MIDDLEWARE = "django.middleware.locale.LocaleMiddleware"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The view that answers: its number, its stack, and the pattern of the route it is on."""

    number: int
    stack: Stack
    pattern: str


def resolve_with_django(urlconf: str | ModuleType, target: bytes) -> Resolution | None:
    """Return which view of ``urlconf`` answers a raw request target; None when none does."""
    path = path_of(target)
    request = HttpRequest()
    request.path_info = path
    request.urlconf = urlconf
    with translation.override(settings.LANGUAGE_CODE):
        try:
            if LOCALE_MIDDLEWARE in settings.MIDDLEWARE:
                LocaleMiddleware(lambda _: None).process_request(request)
            match = get_resolver(urlconf).resolve(path)
        except Resolver404:
            return None
    stack = Stack.ASGI if iscoroutinefunction(match.func) else Stack.WSGI
    pattern = "/" + match.route.removeprefix("^")
    return Resolution(number=match.func.number, stack=stack, pattern=pattern)


def path_of(target: bytes) -> str:
    """Return the path that both of Django's handlers make of a raw request target."""
    script_name = settings.FORCE_SCRIPT_NAME or ""
    return repercent_broken_unicode(split_target(target, script_name).path_info).decode()
