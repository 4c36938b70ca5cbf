"""Behind a foreign gateway, no client passes for the edge, and odd paths reach their stack."""

from urllib.parse import unquote

import pytest
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path
from inprocess.calling import call, http, websocket

from django_tandem.inprocess.direct_gateway import (
    EDGE_HEADERS,
    AsgiDirectGateway,
    WsgiDirectGateway,
    WsgiNormalPath,
    is_enabled,
    normalize_target,
)

OF_THE_EDGE = {"X-Real-IP": "192.0.2.1", "X-Tandem-Handed": "1", "X-Request-Start": "t=1"}


class Recorded:
    """A WSGI application that keeps the environ of its last request."""

    def __init__(self):
        self.environ = {}

    def __call__(self, environ, start_response):
        self.environ = environ
        start_response("200 OK", [])
        return [b"project"]


def ask(application, target="/", **changes):
    """Return the status, the headers and the body."""
    environ = RequestFactory().get(target).environ | {"RAW_URI": target, **changes}
    started = []
    body = application(environ, lambda status, headers: started.append((status, dict(headers))))
    return *started[0], b"".join(body)


@pytest.mark.parametrize(("value", "expected"), [("direct", True), ("edge", False), ("", False)])
def test_it_is_enabled_by_the_environment(monkeypatch, value, expected):
    """That of the plan, which refuses any other value."""
    monkeypatch.setenv("TANDEM_GATEWAY", value)

    assert is_enabled() is expected


def test_wsgi_gets_no_header_of_the_edge():
    """The others are a gateway's, or those of the project's settings."""
    project = Recorded()
    headers = {f"HTTP_{name.upper().replace('-', '_')}": "1" for name in OF_THE_EDGE}

    ask(WsgiDirectGateway(project, ""), HTTP_X_FORWARDED_PROTO="https", **headers)

    assert not set(headers) & set(project.environ)
    assert project.environ["HTTP_X_FORWARDED_PROTO"] == "https"
    assert project.environ["wsgi.url_scheme"] == "http"


@pytest.mark.parametrize("make", [http, websocket])
def test_asgi_gets_no_header_of_the_edge(make):
    """Neither does a WebSocket; whatever the case of its name."""
    scopes = []

    async def project(scope, _receive, _send):
        scopes.append(scope)

    sent = [(name.encode(), b"1") for name in (*OF_THE_EDGE, *EDGE_HEADERS)]
    call(AsgiDirectGateway(project, ""), make(headers=[*sent, (b"host", b"a.example")]))

    assert scopes[0]["headers"] == [(b"host", b"a.example")]


def test_a_lifespan_is_passed_on():
    """It has no headers."""
    scopes = []

    async def project(scope, _receive, _send):
        scopes.append(scope)

    call(AsgiDirectGateway(project, "/app"), {"type": "lifespan"})

    assert scopes == [{"type": "lifespan"}]


@pytest.mark.parametrize("target", ["/app/feed/", "/feed/"])
def test_the_script_name_is_taken_off_the_path(target):
    """Each stack sees the same, whether the gateway removes it or not."""
    project, scopes = Recorded(), []

    async def asgi(scope, _receive, _send):
        scopes.append(scope)

    ask(WsgiDirectGateway(project, "/app"), target)
    call(AsgiDirectGateway(asgi, "/app"), http(path=target, raw_path=target.encode()))

    assert (project.environ["SCRIPT_NAME"], project.environ["PATH_INFO"]) == ("/app", "/feed/")
    assert (scopes[0]["root_path"], scopes[0]["path"]) == ("/app", "/app/feed/")


def test_a_health_check_keeps_its_path():
    """A probe knows of no script name."""
    scopes = []

    async def asgi(scope, _receive, _send):
        scopes.append(scope)

    call(AsgiDirectGateway(asgi, "/app"), http(path="/.tandem/ready", raw_path=b"/.tandem/ready"))

    assert scopes[0]["path"] == "/.tandem/ready"


@pytest.mark.parametrize(
    ("address", "status"),
    [("10.0.0.7", "404 Not Found"), ("127.0.0.1", "200 OK"), ("", "200 OK"), ("::1", "200 OK")],
)
def test_the_migrations_are_read_for_this_host_alone(address, status):
    """Else anybody could have the database queried."""
    found = ask(WsgiDirectGateway(Recorded(), ""), "/.tandem/migrations", REMOTE_ADDR=address)

    assert found[0] == status


@pytest.mark.parametrize("target", ["/shop/.tandem/migrations", "/shop/.tandem%2Fmigrations"])
def test_no_script_name_leads_to_the_migrations(target):
    """The path counts that the layers below see."""
    project = Recorded()
    application = WsgiDirectGateway(project, "/shop")

    found = ask(application, target, PATH_INFO=unquote(target), REMOTE_ADDR="10.0.0.7")

    assert (found[0], project.environ) == ("404 Not Found", {})


async def live(_request, **_kwargs):
    return HttpResponse()


def plain(_request, **_kwargs):
    return HttpResponse()


urlpatterns = [path("live/<str:name>/", live), path("about/", plain)]


@pytest.mark.parametrize(
    ("target", "normal"),
    [
        (b"/live/%66eed/?a=%66", "/live/feed/?a=%66"),
        (b"/live%2Ffeed%2f", "/live/feed/"),
        (b"/live/%7e%2D%2e%5F%39%5a/", "/live/~-._9Z/"),
        (b"/live/%C3%A9%20%40/", "/live/%C3%A9%20%40/"),
        (b"/live/%zz/", "/live/%zz/"),
        (b"/%2Fevil.example/%66", "/%2Fevil.example/f"),
        ("/é/%66".encode(), "/%C3%A9/f"),
    ],
)
def test_a_normal_target_has_no_needless_encoding(target, normal):
    """Of the characters that RFC 3986 leaves as they are; it leads to no other host."""
    assert normalize_target(target) == normal


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/%6Cive/feed/?a=b", ("308 Permanent Redirect", "/live/feed/?a=b")),
        ("/live%2Ffeed%2F", ("308 Permanent Redirect", "/live/feed/")),
        ("/live/feed/", ("200 OK", None)),
        ("/live/%C3%A9/", ("200 OK", None)),
        ("/%61bout/", ("200 OK", None)),
        ("/%6eowhere/", ("200 OK", None)),
    ],
)
def test_a_path_for_asgi_is_redirected_to_its_normal_form(target, found):
    """The gateway then sends it to ASGI; all other requests are served as they came."""
    status, headers, _ = ask(WsgiNormalPath(Recorded(), ()), target)

    assert (status, headers.get("Location")) == found
