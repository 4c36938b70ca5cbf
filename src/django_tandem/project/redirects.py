"""What middleware answers where no pattern of the URLconf matches: redirects, and perhaps more."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest, get_script_name
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.middleware.common import CommonMiddleware
from django.middleware.locale import LocaleMiddleware
from django.urls import set_script_prefix
from django.utils.module_loading import import_string

# Neither of these does anything but look at the request: they can be called.
_REDIRECTING = (CommonMiddleware, LocaleMiddleware)
# Of Django's own, these look at a 404 and may answer with a page or a redirect to anywhere.
_FALLBACKS = (
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
    "django.contrib.redirects.middleware.RedirectFallbackMiddleware",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """The redirect that ``middleware``, a dotted path, answers a request with."""

    status: int
    location: str
    middleware: str


def redirect_of(method: str, path: str, query: str, headers: Mapping[str, str]) -> Redirect | None:
    """
    Return the redirect of a request that no pattern matches; None without one.

    ``path`` is percent-encoded and without FORCE_SCRIPT_NAME.
    """
    request = _request(method, path, query, headers)
    for dotted in settings.MIDDLEWARE:
        found = import_string(dotted)
        for stock in _REDIRECTING:
            if not (isinstance(found, type) and issubclass(found, stock)):
                continue
            response = _response_of(stock, request)
            if 300 <= response.status_code < 400:
                return Redirect(
                    status=response.status_code,
                    location=response.headers["Location"],
                    middleware=dotted,
                )
    return None


def may_answer(middleware: Iterable[str]) -> list[str]:
    """Return those of ``middleware`` that may answer a path which no pattern matches."""
    return [
        dotted for dotted in middleware if dotted in _FALLBACKS or not dotted.startswith("django.")
    ]


def _response_of(stock: type, request: HttpRequest) -> HttpResponse:
    try:
        found: HttpResponse = stock(lambda _: HttpResponseNotFound())(request)
    except (SuspiciousOperation, RuntimeError):
        # A host that ALLOWED_HOSTS lacks, and under DEBUG a POST that a redirect would empty.
        return HttpResponseNotFound()
    return found


def _request(method: str, path: str, query: str, headers: Mapping[str, str]) -> WSGIRequest:
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    for name, value in headers.items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    set_script_prefix(get_script_name(environ))
    return WSGIRequest(environ)
