"""What is counted: each middleware with those it needs, and requests that touch storage."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import django

SECURITY = "django.middleware.security.SecurityMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
FRAMES = "django.middleware.clickjacking.XFrameOptionsMiddleware"
LOGIN = "django.contrib.auth.middleware.LoginRequiredMiddleware"
FLATPAGES = "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware"
REDIRECTS = "django.contrib.redirects.middleware.RedirectFallbackMiddleware"
TOOLBAR = "debug_toolbar.middleware.DebugToolbarMiddleware"
STARTPROJECT = (SECURITY, SESSION, COMMON, CSRF, AUTH, MESSAGES, FRAMES)
SIGNED_IN = (SESSION, AUTH)
TOKEN = "t" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request to be counted; ``needs`` are middleware before its own that are not its cost."""

    name: str
    middleware: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    path: str = "/"
    form: bytes = b""
    signed_in: bool = False
    status: int = 200


def alone(path: str, *needs: str) -> Case:
    """Make the case of one middleware."""
    return Case(name=path, middleware=(path,), needs=needs)


# One async view, nothing in the session: what each middleware adds to it.
ALONE = (
    alone(SECURITY),
    alone(SESSION),
    alone(COMMON),
    alone(CSRF),
    alone(AUTH, SESSION),
    alone(MESSAGES, SESSION),
    alone(FRAMES),
    alone("django.middleware.cache.CacheMiddleware"),
    alone("django.middleware.cache.FetchFromCacheMiddleware"),
    alone("django.middleware.cache.UpdateCacheMiddleware"),
    alone("django.middleware.common.BrokenLinkEmailsMiddleware"),
    alone("django.middleware.csp.ContentSecurityPolicyMiddleware"),
    alone("django.middleware.gzip.GZipMiddleware"),
    alone("django.middleware.http.ConditionalGetMiddleware"),
    alone("django.middleware.locale.LocaleMiddleware"),
    alone("django.contrib.admindocs.middleware.XViewMiddleware", *SIGNED_IN),
    alone(LOGIN, *SIGNED_IN),
    alone("django.contrib.auth.middleware.PersistentRemoteUserMiddleware", *SIGNED_IN),
    alone("django.contrib.auth.middleware.RemoteUserMiddleware", *SIGNED_IN),
    alone(FLATPAGES),
    alone(REDIRECTS),
    alone("django.contrib.sites.middleware.CurrentSiteMiddleware"),
    alone("allauth.account.middleware.AccountMiddleware", *SIGNED_IN, MESSAGES),
    alone("corsheaders.middleware.CorsMiddleware"),
    alone("whitenoise.middleware.WhiteNoiseMiddleware"),
    alone(TOOLBAR),
)

NOWHERE = {"path": "/nowhere/", "status": 404}

# Whole requests: what is counted is all of their switches.
WHOLE = (
    Case(name="no middleware at all"),
    Case(name="startproject's seven", needs=STARTPROJECT),
    Case(
        name="startproject's seven, a form sent to an async view",
        needs=STARTPROJECT,
        path="/form/",
        form=f"csrfmiddlewaretoken={TOKEN}".encode(),
    ),
    Case(
        name="startproject's seven, `await request.auser()` of someone signed in",
        needs=STARTPROJECT,
        path="/user/",
        signed_in=True,
    ),
    Case(
        name="startproject's seven, `await request.session.aset(…)`",
        needs=STARTPROJECT,
        path="/session/",
        signed_in=True,
    ),
    Case(
        name="LoginRequiredMiddleware, someone signed in", needs=(*SIGNED_IN, LOGIN), signed_in=True
    ),
    Case(name="startproject's seven, a sync view", needs=STARTPROJECT, path="/sync/"),
    Case(name="startproject's seven, no such page", needs=STARTPROJECT, **NOWHERE),
    Case(name="FlatpageFallbackMiddleware, no such page", needs=(FLATPAGES,), **NOWHERE),
    Case(name="RedirectFallbackMiddleware, no such page", needs=(REDIRECTS,), **NOWHERE),
    Case(
        name="startproject's seven with WhiteNoiseMiddleware after the first",
        needs=(SECURITY, "whitenoise.middleware.WhiteNoiseMiddleware", *STARTPROJECT[1:]),
    ),
)


def found_in_django() -> Iterator[str]:
    """Yield the path of each middleware class that the installed Django has."""
    root = Path(django.__file__).parent
    for file in (*root.glob("middleware/*.py"), *root.glob("contrib/**/middleware.py")):
        module = ".".join(("django", *file.relative_to(root).with_suffix("").parts))
        # Read, not imported: some apps want libraries that few machines have.
        for name in re.findall(r"^class (\w+Middleware)\b", file.read_text(), re.MULTILINE):
            yield f"{module}.{name}"
