"""Settings that expect HTTPS from a proxy need one that the edge trusts."""

import pytest
from checks.gathered import facts
from checks.messages import contents

from django_tandem.checks.facts import Https
from django_tandem.checks.proxies import forwarded_scheme_is_trusted

HEADER = "X-Forwarded-Proto"
HINT = (
    'Set TANDEM["EDGE"]["TRUSTED_PROXIES"] to the addresses of the proxy that ends TLS, such as '
    '["10.0.0.0/8"]; or TANDEM["EDGE"]["TLS"], where clients connect to this edge.'
)
REPLACED = (
    'SECURE_PROXY_SSL_HEADER reads "X-Forwarded-Proto", which the edge replaces: it trusts no '
    "proxy, and every request counts as plain HTTP"
)


@pytest.mark.parametrize(
    ("https", "setting", "message"),
    [
        (Https(proxy_header=HEADER), "SECURE_PROXY_SSL_HEADER", f"{REPLACED}."),
        (
            Https(proxy_header=HEADER, redirects=True),
            "SECURE_PROXY_SSL_HEADER",
            f"{REPLACED}, so that SECURE_SSL_REDIRECT redirects forever.",
        ),
        (
            Https(redirects=True),
            "SECURE_SSL_REDIRECT",
            "SECURE_SSL_REDIRECT is True, and the edge has no TLS and trusts no proxy, so that "
            "every request is redirected forever.",
        ),
    ],
)
def test_https_that_no_trusted_proxy_reports_is_a_warning(https, setting, message) -> None:
    """Also a redirect without a header can never be satisfied."""
    assert contents(forwarded_scheme_is_trusted(facts(https=https))) == [
        ("tandem.W013", setting, message, HINT)
    ]


@pytest.mark.parametrize(
    "edge", [{"TRUSTED_PROXIES": ["10.0.0.1"]}, {"TLS": {"CERTIFICATE": "c.pem", "KEY": "k.pem"}}]
)
def test_a_trusted_proxy_and_tls_at_the_edge_are_fine(edge) -> None:
    """Then the scheme is known."""
    https = Https(proxy_header=HEADER, redirects=True)

    assert forwarded_scheme_is_trusted(facts(tandem={"EDGE": edge}, https=https)) == []


def test_settings_that_expect_no_https_are_fine() -> None:
    """Plain HTTP needs no proxy."""
    assert forwarded_scheme_is_trusted(facts()) == []
