"""When a hook of Django's own middleware may block, checked before it runs on the event loop."""

from typing import Any

from django.conf import settings
from django.urls import get_resolver

# A thread switch takes about as long as MD5 over the first and gzip over the second.
BYTES_TO_HASH = 64 * 1024
BYTES_TO_COMPRESS = 4 * 1024

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

STORES = frozenset(
    f"django.contrib.sessions.backends.{name}"
    for name in ("cache", "cached_db", "db", "file", "signed_cookies")
)
STORAGES = frozenset(
    f"django.contrib.messages.storage.{name}"
    for name in ("cookie.CookieStorage", "fallback.FallbackStorage", "session.SessionStorage")
)
SIGNER = "django.core.signing.TimestampSigner"


def is_head(request: Any, *_: Any) -> bool:
    """Return whether only the headers are requested."""
    return bool(request.method == "HEAD")


def is_not_found(_request: Any, response: Any) -> bool:
    """Return whether nothing was found."""
    return bool(response.status_code == 404)


def www_is_missing(request: Any) -> bool:
    """Return whether Common may look for a URL with a slash, to redirect once for both."""
    return bool(settings.PREPEND_WWW)


def slash_may_be_missing(request: Any, response: Any) -> bool:
    """Return whether Common looks for a URL with a slash."""
    return (
        response.status_code == 404
        and bool(settings.APPEND_SLASH)
        and not request.path_info.endswith("/")
    )


def urls_are_not_imported(request: Any) -> bool:
    """Return whether the URLconf is still to be imported."""
    resolver = get_resolver(getattr(request, "urlconf", None))
    return "url_patterns" not in vars(resolver)


def language_may_be_missing(request: Any, response: Any) -> bool:
    """Return whether Locale may look for a URL with a language before it."""
    return response.status_code == 404 or urls_are_not_imported(request)


def body_is_long_to_hash(request: Any, response: Any) -> bool:
    """Return whether an ETag would take long."""
    if request.method != "GET" or response.streaming or response.has_header("ETag"):
        return False
    return len(response.content) > BYTES_TO_HASH


def body_is_long_to_compress(_request: Any, response: Any) -> bool:
    """Return whether compressing would take long."""
    return not response.streaming and len(response.content) > BYTES_TO_COMPRESS


def page_may_be_in_cache(request: Any) -> bool:
    """Return whether the page is looked up in the cache."""
    return request.method in ("GET", "HEAD")


def page_may_be_cached(request: Any, response: Any) -> bool:
    """Return whether the page may be written to the cache."""
    return bool(getattr(request, "_cache_update_cache", False)) and not response.streaming


def is_stored(session: Any) -> bool:
    """Return whether reading the session reaches its storage."""
    return session is not None and not (
        "_session_cache" in vars(session) or session.session_key is None
    )


def store_is_unknown(middleware: Any) -> bool:
    """Return whether the sessions are not of one of Django's own stores."""
    store = middleware.SessionStore
    if store.__module__ not in STORES or store.__qualname__ != "SessionStore":
        return True
    alias = getattr(settings, "SESSION_CACHE_ALIAS", "")
    cached = store.__module__.endswith(("cache", "cached_db"))
    return cached and not _backend(alias).startswith("django.core.cache.backends.")


def _backend(alias: str) -> str:
    return str(settings.CACHES.get(alias, {}).get("BACKEND", ""))


def session_is_saved(request: Any, response: Any) -> bool:
    """Return whether the session has changed, or is saved anyway."""
    session = getattr(request, "session", None)
    if session is None or type(session).__module__ not in STORES:
        return session is not None
    if type(session).__module__.endswith(".signed_cookies"):
        return False
    changed = session.modified or settings.SESSION_SAVE_EVERY_REQUEST
    return bool(changed) and not session.is_empty()


def token_is_in_storage(request: Any) -> bool:
    """Return whether the CSRF token is in a session that is still to be loaded."""
    return bool(settings.CSRF_USE_SESSIONS) and is_stored(getattr(request, "session", None))


def token_is_checked(request: Any, view: Any, *_: Any) -> bool:
    """Return whether a token must be looked for, and a request may be refused."""
    return not (
        request.method in SAFE
        or getattr(request, "csrf_processing_done", False)
        or getattr(view, "csrf_exempt", False)
        or getattr(request, "_dont_enforce_csrf_checks", False)
    )


def token_goes_to_storage(request: Any, _response: Any) -> bool:
    """Return whether a new token goes to a session that is still to be loaded."""
    return bool(request.META.get("CSRF_COOKIE_NEEDS_UPDATE")) and token_is_in_storage(request)


def storage_is_unknown(_request: Any) -> bool:
    """Return whether messages are stored elsewhere than in Django's own storages."""
    return settings.MESSAGE_STORAGE not in STORAGES or settings.SIGNING_BACKEND != SIGNER


def messages_were_used(request: Any, _response: Any) -> bool:
    """Return whether messages were read or added."""
    storage = getattr(request, "_messages", None)
    if storage is None:
        return False
    own = f"{type(storage).__module__}.{type(storage).__qualname__}" in STORAGES
    return not own or storage.used or storage.added_new


def user_may_be_stored(request: Any, view: Any, *_: Any) -> bool:
    """Return whether the user may have to be loaded from storage."""
    user = vars(request).get("user")
    setup = vars(user).get("_setupfunc") if hasattr(user, "_setupfunc") else None
    name = getattr(setup, "__qualname__", "")
    own = name.startswith("AuthenticationMiddleware.process_request.")
    if not own or setup.__module__ != "django.contrib.auth.middleware":
        return True
    session = getattr(request, "session", None)
    if session is None or session.session_key is not None or not session.is_empty():
        return True
    return "_cached_user" in vars(request)


def site_is_not_cached(request: Any) -> bool:
    """Return whether the site must be read from the database."""
    models = _site_models()
    if models is None:
        return False
    wanted = getattr(settings, "SITE_ID", "") or request.get_host()
    return wanted not in models.SITE_CACHE


def _site_models() -> Any:
    # Not imported: models are loaded by Django alone, and only where the app is installed.
    from django.apps import apps  # noqa: PLC0415

    if not apps.is_installed("django.contrib.sites"):
        return None
    return apps.get_app_config("sites").models_module
