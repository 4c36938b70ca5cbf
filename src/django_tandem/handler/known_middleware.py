"""Django's own middleware, class by class: which of its hooks may block, when, and why not else."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from asgiref.sync import SyncToAsync
from django.conf import settings
from django.urls import get_resolver

from django_tandem.fingerprints import is_known
from django_tandem.handler.internals import is_unchanged

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

# Called with the hook's own arguments: whether this call may reach storage, or takes long.
MayBlock = Callable[..., bool]
Hook = Callable[..., Any]

HOOKS = (
    "__call__",
    "__acall__",
    "process_request",
    "aprocess_request",
    "process_view",
    "process_response",
    "process_exception",
    "process_template_response",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """
    What is known of one class.

    ``request``, ``view`` and ``response`` say when process_request, process_view and
    process_response may block; None is never. ``stock_if`` is called with the instance, once.
    ``is_async`` is for one that has aprocess_request, and awaits what may block itself.
    """

    why: str
    request: MayBlock | None = None
    view: MayBlock | None = None
    response: MayBlock | None = None
    stock_if: MayBlock | None = None
    is_async: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMiddleware:
    """
    One instance, which hooks it has, and when they may block.

    A hook is looked up at each call, as Django does: it may be replaced after it was read.
    """

    instance: Any
    has_request: bool
    has_arequest: bool
    has_response: bool
    request_may_block: MayBlock | None
    response_may_block: MayBlock | None


class ViewHook(SyncToAsync):  # type: ignore[type-arg]
    """A process_view of Django's own, adapted as by Django, and when it may block."""

    def __init__(self, hook: Hook, may_block: MayBlock | None) -> None:
        super().__init__(hook)
        self.may_block = may_block


def find_declaration(cls: Any) -> Declaration | None:
    """Return what is declared for exactly this class; None for one that was changed."""
    if not isinstance(cls, type):
        return None
    dotted = f"{cls.__module__}.{cls.__qualname__}"
    declared = DECLARATIONS.get(dotted)
    if declared is None or not all(map(_is_unchanged, cls.__mro__[:-1])):
        return None
    return declared if is_known(dotted) else None


def read_middleware(instance: Any) -> KnownMiddleware | None:
    """Return what is known of the middleware; None for one that Django is to call itself."""
    declared = find_declaration(type(instance))
    if declared is None or any(name in vars(instance) for name in HOOKS):
        return None
    if declared.stock_if is not None and declared.stock_if(instance):
        return None
    return KnownMiddleware(
        instance=instance,
        has_request=not declared.is_async and hasattr(instance, "process_request"),
        has_arequest=declared.is_async,
        has_response=hasattr(instance, "process_response"),
        request_may_block=declared.request,
        response_may_block=declared.response,
    )


def read_view_hook(method: Any) -> ViewHook | None:
    """Return the hook of ``method`` if that is a known middleware's ``process_view``, else None."""
    instance = getattr(method, "__self__", None)
    if getattr(method, "__name__", "") != "process_view" or read_middleware(instance) is None:
        return None
    declared = find_declaration(type(instance))
    return ViewHook(method, declared.view) if declared else None


def _is_unchanged(cls: type) -> bool:
    # What instruments a class replaces its functions, and expects them where Django calls them.
    module = sys.modules.get(cls.__module__)
    if module is None or vars(module).get(cls.__name__) is not cls:
        return False
    functions = [value for value in vars(cls).values() if isinstance(value, FunctionType)]
    hooks = [vars(cls)[name] for name in HOOKS if name in vars(cls)]
    return all(is_unchanged(function, cls.__module__) for function in [*functions, *hooks])


# When a hook may block. Each is called with the hook's own arguments.


def _is_head(request: Any, *_: Any) -> bool:
    return bool(request.method == "HEAD")


def _is_not_found(_request: Any, response: Any) -> bool:
    return bool(response.status_code == 404)


def _www_is_missing(request: Any) -> bool:
    return bool(settings.PREPEND_WWW)


def _slash_may_be_missing(request: Any, response: Any) -> bool:
    return (
        response.status_code == 404
        and bool(settings.APPEND_SLASH)
        and not request.path_info.endswith("/")
    )


def _urls_are_not_imported(request: Any) -> bool:
    resolver = get_resolver(getattr(request, "urlconf", None))
    return "url_patterns" not in vars(resolver)


def _language_may_be_missing(request: Any, response: Any) -> bool:
    return response.status_code == 404 or _urls_are_not_imported(request)


def _body_is_long_to_hash(request: Any, response: Any) -> bool:
    if request.method != "GET" or response.streaming or response.has_header("ETag"):
        return False
    return len(response.content) > BYTES_TO_HASH


def _body_is_long_to_compress(_request: Any, response: Any) -> bool:
    return not response.streaming and len(response.content) > BYTES_TO_COMPRESS


def _page_may_be_in_cache(request: Any) -> bool:
    return request.method in ("GET", "HEAD")


def _page_may_be_cached(request: Any, response: Any) -> bool:
    return bool(getattr(request, "_cache_update_cache", False)) and not response.streaming


def _is_stored(session: Any) -> bool:
    return session is not None and not (
        "_session_cache" in vars(session) or session.session_key is None
    )


def _store_is_unknown(middleware: Any) -> bool:
    store = middleware.SessionStore
    if store.__module__ not in STORES or store.__qualname__ != "SessionStore":
        return True
    alias = getattr(settings, "SESSION_CACHE_ALIAS", "")
    cached = store.__module__.endswith(("cache", "cached_db"))
    return cached and not _backend(alias).startswith("django.core.cache.backends.")


def _backend(alias: str) -> str:
    return str(settings.CACHES.get(alias, {}).get("BACKEND", ""))


def _session_is_saved(request: Any, response: Any) -> bool:
    session = getattr(request, "session", None)
    if session is None or type(session).__module__ not in STORES:
        return session is not None
    if type(session).__module__.endswith(".signed_cookies"):
        return False
    changed = session.modified or settings.SESSION_SAVE_EVERY_REQUEST
    return bool(changed) and not session.is_empty()


def _csrf_token_is_in_session(request: Any) -> bool:
    return bool(settings.CSRF_USE_SESSIONS) and _is_stored(getattr(request, "session", None))


def _csrf_token_is_checked(request: Any, view: Any, *_: Any) -> bool:
    return not (
        request.method in SAFE
        or getattr(request, "csrf_processing_done", False)
        or getattr(view, "csrf_exempt", False)
        or getattr(request, "_dont_enforce_csrf_checks", False)
    )


def _csrf_token_goes_to_session(request: Any, _response: Any) -> bool:
    return bool(request.META.get("CSRF_COOKIE_NEEDS_UPDATE")) and _csrf_token_is_in_session(request)


def _storage_is_unknown(_request: Any) -> bool:
    return settings.MESSAGE_STORAGE not in STORAGES or settings.SIGNING_BACKEND != SIGNER


def _messages_were_used(request: Any, _response: Any) -> bool:
    storage = getattr(request, "_messages", None)
    if storage is None:
        return False
    own = f"{type(storage).__module__}.{type(storage).__qualname__}" in STORAGES
    return not own or storage.used or storage.added_new


def _user_may_be_stored(request: Any, view: Any, *_: Any) -> bool:
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


def _site_is_not_cached(request: Any) -> bool:
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


DECLARATIONS: Mapping[str, Declaration] = {
    "django.middleware.security.SecurityMiddleware": Declaration(
        why="It compares strings and sets headers.",
    ),
    "django.middleware.clickjacking.XFrameOptionsMiddleware": Declaration(
        why="It sets a header.",
    ),
    "django.middleware.csp.ContentSecurityPolicyMiddleware": Declaration(
        why="It makes a nonce when a template reads one, and joins strings to a header.",
    ),
    "django.middleware.common.CommonMiddleware": Declaration(
        why="It compares strings and counts bytes, unless it looks for another URL: the URLconf's "
        "converters are the project's, and may query the database.",
        request=_www_is_missing,
        response=_slash_may_be_missing,
    ),
    "django.middleware.common.BrokenLinkEmailsMiddleware": Declaration(
        why="It looks at the status, and sends mail for a 404 alone.",
        response=_is_not_found,
    ),
    "django.middleware.csrf.CsrfViewMiddleware": Declaration(
        why="It reads and sets a cookie, unless the token is in a session that is not loaded. "
        "What it must check may be in a form, and a refusal calls the project's failure view.",
        request=_csrf_token_is_in_session,
        view=_csrf_token_is_checked,
        response=_csrf_token_goes_to_session,
    ),
    "django.middleware.http.ConditionalGetMiddleware": Declaration(
        why="It compares headers, and hashes the body, which for a small one "
        "takes less time than a thread switch.",
        response=_body_is_long_to_hash,
    ),
    "django.middleware.gzip.GZipMiddleware": Declaration(
        why="It compresses the body, which for a small one takes less time than a thread switch. "
        "A stream it only wraps.",
        response=_body_is_long_to_compress,
    ),
    "django.middleware.locale.LocaleMiddleware": Declaration(
        why="It reads headers and cookies, and a language's catalogues once per process; the "
        "URLconf, whose prefixes it reads, is the project's to import and to match.",
        request=_urls_are_not_imported,
        response=_language_may_be_missing,
    ),
    "django.middleware.cache.UpdateCacheMiddleware": Declaration(
        why="It looks at what was noted on the request, and reaches the cache only to write.",
        response=_page_may_be_cached,
    ),
    "django.middleware.cache.FetchFromCacheMiddleware": Declaration(
        why="It reaches the cache for what may be in it: an answer to GET or HEAD.",
        request=_page_may_be_in_cache,
    ),
    "django.middleware.cache.CacheMiddleware": Declaration(
        why="It is the two above.",
        request=_page_may_be_in_cache,
        response=_page_may_be_cached,
    ),
    "django.contrib.sessions.middleware.SessionMiddleware": Declaration(
        why="It makes a session that loads when it is first read, and looks whether it changed. "
        "What a store of the project's own does is not known.",
        stock_if=_store_is_unknown,
        response=_session_is_saved,
    ),
    "django.contrib.auth.middleware.AuthenticationMiddleware": Declaration(
        why="It sets a user that loads when it is first read.",
    ),
    "django.contrib.auth.middleware.LoginRequiredMiddleware": Declaration(
        why="It reads the user, who is in the database unless the client has no session.",
        view=_user_may_be_stored,
    ),
    "django.contrib.auth.middleware.RemoteUserMiddleware": Declaration(
        why="It has an async variant.",
        is_async=True,
    ),
    "django.contrib.auth.middleware.PersistentRemoteUserMiddleware": Declaration(
        why="It has an async variant.",
        is_async=True,
    ),
    "django.contrib.messages.middleware.MessageMiddleware": Declaration(
        why="It makes a storage that loads when it is first read, and has nothing to store where "
        "no message was read or added. Another storage is not known.",
        request=_storage_is_unknown,
        response=_messages_were_used,
    ),
    "django.contrib.sites.middleware.CurrentSiteMiddleware": Declaration(
        why="It takes the site from its own cache, or else from the database.",
        request=_site_is_not_cached,
    ),
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware": Declaration(
        why="It looks at the status, and for a page in the database for a 404 alone.",
        response=_is_not_found,
    ),
    "django.contrib.redirects.middleware.RedirectFallbackMiddleware": Declaration(
        why="It looks at the status, and for a redirect in the database for a 404 alone.",
        response=_is_not_found,
    ),
    "django.contrib.admindocs.middleware.XViewMiddleware": Declaration(
        why="It looks at the method, and at the user for a HEAD alone.",
        view=_is_head,
    ),
}
