"""Check of how the project learns that a client's request came by HTTPS."""

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name

from django_tandem.checks.facts import Facts, Https

_HINT = (
    'Set TANDEM["EDGE"]["TRUSTED_PROXIES"] to the addresses of the proxy that ends TLS, such as '
    '["10.0.0.0/8"]; or TANDEM["EDGE"]["TLS"], where clients connect to this edge.'
)


def forwarded_scheme_is_trusted(facts: Facts) -> list[CheckMessage]:
    """Find settings that expect HTTPS from a proxy whose headers the edge replaces."""
    edge, https = facts.plan.edge, facts.https
    if edge.tls is not None or edge.trusted_proxies:
        return []
    if https.proxy_header:
        forever = ", so that SECURE_SSL_REDIRECT redirects forever" if https.redirects else ""
        message = (
            f'SECURE_PROXY_SSL_HEADER reads "{https.proxy_header}", which the edge replaces: it '
            f"trusts no proxy, and every request counts as plain HTTP{forever}."
        )
    elif https.redirects:
        message = (
            "SECURE_SSL_REDIRECT is True, and the edge has no TLS and trusts no proxy, so that "
            "every request is redirected forever."
        )
    else:
        return []
    setting = "SECURE_PROXY_SSL_HEADER" if https.proxy_header else "SECURE_SSL_REDIRECT"
    return [Warning(message, hint=_HINT, obj=setting, id="tandem.W013")]


def read_https() -> Https:
    """Return what the settings expect of a proxy that ends TLS."""
    header = django_settings.SECURE_PROXY_SSL_HEADER
    uses_middleware = "django.middleware.security.SecurityMiddleware" in django_settings.MIDDLEWARE
    return Https(
        proxy_header=_as_sent(str(header[0])) if header else None,
        redirects=bool(django_settings.SECURE_SSL_REDIRECT) and uses_middleware,
    )


def _as_sent(key: str) -> str:
    return key.removeprefix("HTTP_").replace("_", "-").title()
