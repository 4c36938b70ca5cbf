"""The headers of SecurityMiddleware, for the files that the edge serves in front of it."""

from collections.abc import Iterator

from django.conf import settings

MIDDLEWARE = "django.middleware.security.SecurityMiddleware"


def security_headers() -> tuple[tuple[str, str], ...]:
    """Return names and values, but `nosniff`, which every file has; none without the middleware."""
    return tuple(_headers()) if MIDDLEWARE in settings.MIDDLEWARE else ()


def _headers() -> Iterator[tuple[str, str]]:
    if settings.SECURE_HSTS_SECONDS:
        subdomains = "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
        preload = "; preload" if settings.SECURE_HSTS_PRELOAD else ""
        seconds = settings.SECURE_HSTS_SECONDS
        yield "Strict-Transport-Security", f"max-age={seconds}{subdomains}{preload}"
    if policy := settings.SECURE_REFERRER_POLICY:
        named = policy.split(",") if isinstance(policy, str) else policy
        yield "Referrer-Policy", ",".join(each.strip() for each in named)
    if settings.SECURE_CROSS_ORIGIN_OPENER_POLICY:
        yield "Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY
