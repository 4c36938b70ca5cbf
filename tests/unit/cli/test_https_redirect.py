"""The redirect to HTTPS is that of the rendered edge."""

import pytest

from builders import plan, verdict
from django_tandem.cli.explain import https_location
from django_tandem.runtime.dry_run import EdgeRequest

TLS = {"CERTIFICATE": "/tls/cert.pem", "KEY": "/tls/key.pem"}


def located(host: str, target: str, bind: str, redirect: str) -> str | None:
    """Return where a request by plain HTTP is redirected to."""
    edge = {"TLS": TLS, "REDIRECT": redirect} if redirect else {}
    found = plan(verdict("/"), tandem={"BIND": bind, "EDGE": edge}).edge
    request = EdgeRequest(method="GET", target=target, host=host, is_plain_http=True)
    return https_location(request, found)


@pytest.mark.parametrize(
    ("host", "bind", "redirect", "location"),
    [
        ("shop.example", ":443", ":80", "https://shop.example/a/?b"),
        ("shop.example:80", ":443", ":80", "https://shop.example/a/?b"),
        ("[::1]:8080", ":443", ":8080", "https://[::1]/a/?b"),
        ("shop.example", ":8443", ":80", "https://shop.example:8443/a/?b"),
        ("shop.example:8080", ":8443", ":8080", "https://shop.example:8443/a/?b"),
        ("shop.example", ":8443", ":8080", "https://shop.example/a/?b"),
        ("shop.example", ":8000", "", None),
    ],
)
def test_the_port_is_that_of_bind(host, bind, redirect, location) -> None:
    """But for a client that names none and has connected to a published port 80."""
    assert located(host, "/a/?b", bind, redirect) == location


@pytest.mark.parametrize(
    ("target", "is_redirected"),
    [
        ("/.well-known/acme-challenge/token", False),
        ("/.tandem/ready?x", False),
        ("/.tandem/ready/", True),
        ("/", True),
    ],
)
def test_challenges_and_health_checks_are_answered(target, is_redirected) -> None:
    """They come by plain HTTP."""
    assert (located("shop.example", target, ":443", ":80") is not None) is is_redirected
