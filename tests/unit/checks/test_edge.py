"""Checks of what the edge serves and replaces: static and uploaded files, the scheme."""

import pytest
from checks.gathered import facts
from checks.messages import contents, ids

from builders import verdict
from django_tandem.checks.edge import (
    forwarded_scheme_is_trusted,
    media_has_no_guard,
    redirect_has_names,
    static_files_are_collected,
    static_root_is_set,
)
from django_tandem.checks.facts import Facts, Https, Media, Static


def _all(found: Facts) -> list[tuple[str, str, str, str]]:
    return contents([*static_root_is_set(found), *static_files_are_collected(found)])


def test_static_files_without_a_directory_are_a_warning() -> None:
    """It is one finding: there is no directory to collect into."""
    assert _all(facts(static=Static(url="/static/"))) == [
        (
            "tandem.W003",
            "STATIC_ROOT",
            'STATIC_ROOT is not set, so no static file is served below "/static/".',
            'Set it, such as to BASE_DIR / "staticfiles", and run `manage.py collectstatic`.',
        )
    ]


def test_static_files_that_were_not_collected_are_a_warning() -> None:
    """The directory is named."""
    assert _all(facts(static=Static(url="/static/", root="/srv/static"))) == [
        (
            "tandem.W004",
            "STATIC_ROOT",
            'STATIC_ROOT is "/srv/static", which holds no files, so no static file is served below '
            '"/static/".',
            "Run `manage.py collectstatic`.",
        )
    ]


def test_static_files_are_collected_where_they_are_served() -> None:
    """On the host of the edge; without an edge, a stack may serve them."""
    peers = {"WSGI": ["10.0.0.5:9000"], "SECRET": "s" * 32}
    static = Static(url="/static/", root="/srv/static")

    def found(roles: str, *, is_direct: bool = False) -> list[str]:
        project = {"roles": roles, "is_direct": is_direct}
        known = facts(verdict("/"), static=static, tandem={"PEERS": peers}, project=project)
        return [each[0] for each in _all(known)]

    assert found("wsgi") == []
    assert found("edge") == ["tandem.W004"]
    assert found("wsgi", is_direct=True) == ["tandem.W004"]


def test_collected_files_and_none_at_all_are_fine() -> None:
    """Nor is a project whose files another server has."""
    assert ids(_all(facts(static=Static(url="/s/", root="/srv/s", is_collected=True)))) == []
    assert ids(_all(facts())) == []


def test_media_that_views_guard_is_an_error() -> None:
    """The bypassed views are named."""
    views = ("/media/<path:path> (shop.views.own)", "/media/thumbs/ (shop.views.thumbs)")

    assert contents(media_has_no_guard(facts(media=Media(prefix="/media/", views=views)))) == [
        (
            "tandem.E011",
            "TANDEM",
            'TANDEM["EDGE"]["MEDIA"] is True, so the edge serves the files below "/media/" to '
            "everyone, and bypasses the views of the URLconf there: "
            "/media/<path:path> (shop.views.own), /media/thumbs/ (shop.views.thumbs).",
            'Set TANDEM["EDGE"]["MEDIA"] to False, so that the views decide.',
        )
    ]


def test_media_without_a_view_and_no_media_at_all_are_fine() -> None:
    """Nor is an edge that leaves them to the project."""
    assert ids(media_has_no_guard(facts(media=Media(prefix="/media/")))) == []
    assert ids(media_has_no_guard(facts())) == []


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
            f"{REPLACED}, so SECURE_SSL_REDIRECT redirects forever.",
        ),
        (
            Https(redirects=True),
            "SECURE_SSL_REDIRECT",
            "SECURE_SSL_REDIRECT is True, and the edge has no TLS and trusts no proxy, so "
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

    assert ids(forwarded_scheme_is_trusted(facts(tandem={"EDGE": edge}, https=https))) == []


def test_settings_that_expect_no_https_are_fine() -> None:
    """Plain HTTP needs no proxy."""
    assert ids(forwarded_scheme_is_trusted(facts())) == []


REDIRECT = {"TLS": {"CERTIFICATE": "c.pem", "KEY": "k.pem"}, "REDIRECT": ":80"}


def test_a_redirect_for_any_host_is_a_warning() -> None:
    """The edge redirects to the host of the request, which ALLOWED_HOSTS would reject."""
    found = facts(tandem={"BIND": ":443", "EDGE": REDIRECT}, allowed_hosts=("example.com",))

    assert contents(redirect_has_names(found)) == [
        (
            "tandem.W019",
            "TANDEM",
            'TANDEM["EDGE"]["REDIRECT"] redirects a request for any host to HTTPS on that host, '
            "before Django compares it with ALLOWED_HOSTS.",
            'Set TANDEM["EDGE"]["SERVER_NAMES"] to the host names of the site, such as '
            '["www.example.com"]: a request for any other host then gets 421.',
        )
    ]


@pytest.mark.parametrize(
    ("edge", "allowed_hosts"),
    [
        ({**REDIRECT, "SERVER_NAMES": ["example.com"]}, ("example.com",)),
        (REDIRECT, ("*",)),
        ({}, ("example.com",)),
    ],
    ids=["names", "any host is the site's", "no redirect"],
)
def test_a_redirect_within_the_allowed_hosts_is_fine(edge, allowed_hosts) -> None:
    """Also where Django itself serves each host."""
    found = facts(tandem={"BIND": ":443", "EDGE": edge}, allowed_hosts=allowed_hosts)

    assert ids(redirect_has_names(found)) == []
