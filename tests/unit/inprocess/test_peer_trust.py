"""With a secret, a stack serves the edge alone: on either stack, before any header is read."""

import logging

import pytest
from inprocess.calling import call, http, websocket

from django_tandem.inprocess.peer_trust import AsgiPeerTrust, PeerSecret, WsgiPeerTrust

SECRET = "s" * 32
RIGHT = (b"x-tandem-secret", SECRET.encode())
WRONG = (b"x-tandem-secret", b"w" * 32)
DENIAL = {"extensions": {"websocket.http.response": {}}}


async def project(scope, _receive, send):
    await send({"type": "the project's", "headers": scope.get("headers")})


def asgi() -> AsgiPeerTrust:
    return AsgiPeerTrust(project, PeerSecret(SECRET))


def test_the_edge_is_served_and_the_project_sees_no_secret():
    """The other headers stay as they are."""
    other = (b"x-real-ip", b"10.0.0.1")

    sent = call(asgi(), http(headers=[RIGHT, other]))

    assert sent == [{"type": "the project's", "headers": [other]}]


@pytest.mark.parametrize("given", [[], [WRONG], [RIGHT, WRONG], [(b"x-tandem-secret", b"")]])
def test_a_request_without_the_secret_is_rejected(given):
    """One that also has another value may come by a proxy that adds headers."""
    start, body = call(asgi(), http(headers=given))

    assert start["status"] == 403
    assert body["body"] == b"Forbidden"


def test_a_handshake_without_the_secret_is_rejected_before_its_accept():
    """By the response that the server has for it."""
    sent = call(asgi(), websocket(**DENIAL), {"type": "websocket.connect"})

    assert [(each["type"], each.get("status")) for each in sent] == [
        ("websocket.http.response.start", 403),
        ("websocket.http.response.body", None),
    ]


def test_a_server_without_such_responses_closes_the_handshake():
    """Which the server then answers with 403."""
    sent = call(asgi(), websocket(), {"type": "websocket.connect"})

    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_each_of_several_secrets_is_accepted():
    """While one replaces another."""
    layer = AsgiPeerTrust(project, PeerSecret(f"{'n' * 32} {SECRET}"))

    for given in (RIGHT, (b"x-tandem-secret", b"n" * 32)):
        assert call(layer, http(headers=[given]))[0]["type"] == "the project's"
    whole = (b"x-tandem-secret", f"{'n' * 32} {SECRET}".encode())
    for given in (WRONG, whole):
        assert call(layer, http(headers=[given]))[0]["status"] == 403


@pytest.mark.parametrize("scope", [http, websocket])
def test_a_health_check_needs_no_secret(scope):
    """Its answer reveals nothing; an orchestrator has no secret."""
    (sent,) = call(asgi(), scope(path="/.tandem/ready"))

    assert sent["type"] == "the project's"


def test_a_health_check_that_names_a_client_needs_the_secret():
    """With that header the path is the project's."""
    start, _ = call(asgi(), http(path="/.tandem/ready", headers=[(b"x-real-ip", b"10.0.0.1")]))

    assert start["status"] == 403


def test_the_lifespan_is_passed_on():
    """It is no request."""
    assert call(asgi(), {"type": "lifespan"}) == [{"type": "the project's", "headers": None}]


def wsgi(environ):
    """Return the status and the environ that the project gets, None where it gets none."""
    seen, started = [], []

    def inner(given, start_response):
        seen.append(dict(given))
        start_response("200 OK", [])
        return []

    base = {"PATH_INFO": "/", "REMOTE_ADDR": "10.0.0.5"}
    application = WsgiPeerTrust(inner, PeerSecret(SECRET))
    application(base | environ, lambda status, _headers: started.append(status))
    return started[0], seen[0] if seen else None


def test_the_edge_is_served_on_wsgi_and_the_project_sees_no_secret():
    """A page of DEBUG shows the whole environ."""
    status, seen = wsgi({"HTTP_X_TANDEM_SECRET": SECRET})

    assert status == "200 OK"
    assert seen == {"PATH_INFO": "/", "REMOTE_ADDR": "10.0.0.5"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"HTTP_X_TANDEM_SECRET": ""},
        {"HTTP_X_TANDEM_SECRET": "w" * 32},
        {"HTTP_X_TANDEM_SECRET": "\xe9" * 32},
        {"HTTP_X_TANDEM_SECRET": f"{SECRET},{SECRET}"},
        {"PATH_INFO": "/.tandem/migrations"},
        {"PATH_INFO": "/.tandem/ready", "HTTP_X_REAL_IP": "10.0.0.1"},
    ],
)
def test_a_request_without_the_secret_is_rejected_on_wsgi(given):
    """The project is not called, nor what names the unapplied migrations."""
    assert wsgi(given) == ("403 Forbidden", None)


def test_a_health_check_needs_no_secret_on_wsgi():
    """Its answer reveals nothing."""
    assert wsgi({"PATH_INFO": "/.tandem/ready"})[0] == "200 OK"


def test_one_line_a_minute_names_a_peer_without_the_secret(caplog):
    """A scan of the network can't fill the log."""
    moments = iter([0.0, 0.0, 59.0, 61.0, 61.0])
    secret = PeerSecret(SECRET, now=lambda: next(moments))

    with caplog.at_level(logging.WARNING, logger="django_tandem"):
        secret.matches(None, "::ffff:10.0.0.5")
        secret.matches(None, "10.0.0.6")
        secret.matches(b"wrong", "")

    assert caplog.messages == [
        "A request from 10.0.0.5 with no X-Tandem-Secret was rejected with 403.",
        "A request from the Unix socket with a wrong X-Tandem-Secret was rejected with 403.",
    ]
