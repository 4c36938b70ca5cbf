"""The scope is normalized like the environ of the same request."""

from inprocess.calling import call, http, websocket

from django_tandem.inprocess.proxy_headers import AsgiProxyHeaders

EDGE = [
    (b"host", b"a.example"),
    (b"x-real-ip", b"10.0.0.1"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-port", b"443"),
]


def seen(scope, script_name=""):
    scopes = []

    async def project(scope, _receive, _send):
        scopes.append(scope)

    call(AsgiProxyHeaders(project, script_name), scope)
    return scopes[0]


def test_a_request_that_did_not_come_through_the_edge_is_left_alone():
    """Without the edge's headers the server knows best."""
    scope = http(headers=[(b"x-forwarded-proto", b"https"), (b"connection", b"close")])

    assert seen(scope) is scope


def test_scheme_client_and_server_come_from_the_edge():
    """They replace what the server knows of its socket."""
    scope = seen(http(headers=EDGE))

    assert scope["scheme"] == "https"
    assert scope["client"] == ("10.0.0.1", 0)
    assert scope["server"] == ("a.example", 443)


def test_a_handshake_has_its_own_scheme_and_keeps_its_headers():
    """A consumer may read the headers of the upgrade."""
    scope = seen(websocket(headers=[*EDGE, (b"upgrade", b"websocket")]))

    assert scope["scheme"] == "wss"
    assert (b"upgrade", b"websocket") in scope["headers"]


def test_repeated_headers_become_one():
    """Values are joined by a comma, cookies as cookies are."""
    repeated = [(b"Accept", b"a"), (b"cookie", b"a=1"), (b"accept", b"b"), (b"cookie", b"b=2")]

    headers = dict(seen(http(headers=[*EDGE, *repeated]))["headers"])

    assert headers[b"accept"] == b"a,b"
    assert headers[b"cookie"] == b"a=1; b=2"


def test_headers_of_the_connection_are_dropped():
    """They are between the edge and the server, and each server has its own."""
    headers = [*EDGE, (b"connection", b"close"), (b"te", b"trailers"), (b"content-type", b"")]

    assert seen(http(headers=headers))["headers"] == EDGE


def test_a_path_that_is_no_utf_8_stays_encoded():
    """No octet of the path is lost."""
    scope = seen(http(raw_path=b"/%ff/%C3%A9", path="/\ufffd/é", headers=EDGE))

    assert scope["path"] == "/%FF/é"


def test_the_root_path_comes_from_the_project_alone():
    """Some servers take it from a header of the client."""
    scope = seen(http(path="/lots/", raw_path=b"/lots/", root_path="/evil", headers=EDGE), "/app")

    assert (scope["root_path"], scope["path"]) == ("/app", "/app/lots/")
