"""Files have the headers that SecurityMiddleware sets on a page."""

import pytest
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from django.test import RequestFactory, override_settings

from django_tandem.project.security_headers import MIDDLEWARE, security_headers

SETTINGS = [
    {},
    {"SECURE_HSTS_SECONDS": 60},
    {"SECURE_HSTS_SECONDS": 60, "SECURE_HSTS_INCLUDE_SUBDOMAINS": True},
    {"SECURE_HSTS_SECONDS": 60, "SECURE_HSTS_PRELOAD": True},
    {"SECURE_REFERRER_POLICY": "origin, same-origin"},
    {"SECURE_REFERRER_POLICY": ["no-referrer", "origin"]},
    {"SECURE_REFERRER_POLICY": None},
    {"SECURE_CROSS_ORIGIN_OPENER_POLICY": "unsafe-none"},
    {"SECURE_CROSS_ORIGIN_OPENER_POLICY": None},
]


@pytest.mark.parametrize("given", SETTINGS, ids=str)
def test_they_are_those_of_the_middleware(given) -> None:
    """On a request by HTTPS; the edge sends X-Content-Type-Options in any case."""
    with override_settings(MIDDLEWARE=[MIDDLEWARE], **given):
        page = SecurityMiddleware(lambda _request: HttpResponse())(
            RequestFactory().get("/", secure=True)
        )
        found = dict(security_headers())

    ours = {"Content-Type", "X-Content-Type-Options"}
    assert found == {name: value for name, value in page.headers.items() if name not in ours}


def test_without_the_middleware_there_are_none() -> None:
    """The settings alone have no effect."""
    with override_settings(MIDDLEWARE=[], SECURE_HSTS_SECONDS=60):
        assert security_headers() == ()
