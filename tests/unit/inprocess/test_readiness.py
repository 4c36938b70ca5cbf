"""A server answers health checks on its own socket, and not through the edge."""

from inprocess.calling import call, http, websocket

from django_tandem.inprocess.readiness import AsgiReadiness, WsgiReadiness


async def project(_scope, _receive, send):
    await send({"type": "the project's"})


def test_a_health_check_on_the_socket_is_answered():
    """The project is not called."""
    start, body = call(AsgiReadiness(project), http(path="/.tandem/ready"))

    assert (start["status"], body["body"]) == (200, b"ready")


def test_the_path_is_the_projects_through_the_edge():
    """A client may request the same path."""
    request = http(path="/.tandem/ready", headers=[(b"x-real-ip", b"10.0.0.1")])

    assert call(AsgiReadiness(project), request) == [{"type": "the project's"}]


def test_a_websocket_health_check_is_accepted_and_closed():
    """A server that answers requests may have no WebSocket implementation."""
    sent = call(
        AsgiReadiness(project), websocket(path="/.tandem/ready"), {"type": "websocket.connect"}
    )

    assert sent == [{"type": "websocket.accept"}, {"type": "websocket.close", "code": 1000}]


def test_a_handshake_through_the_edge_is_the_projects():
    """A client may open the same path."""
    request = websocket(path="/.tandem/ready", headers=[(b"x-real-ip", b"10.0.0.1")])

    assert call(AsgiReadiness(project), request) == [{"type": "the project's"}]


def wsgi_project(_environ, _start_response):
    return [b"the project's"]


def test_a_health_check_on_a_wsgi_socket_is_answered():
    """The project is not called."""
    started = []

    body = WsgiReadiness(wsgi_project)(
        {"PATH_INFO": "/.tandem/ready"}, lambda *args: started.append(args)
    )

    assert body == [b"ready"]
    assert started[0][0] == "200 OK"


def test_the_path_is_the_projects_through_the_edge_on_wsgi():
    """A client may request the same path."""
    request = {"PATH_INFO": "/.tandem/ready", "HTTP_X_REAL_IP": "10.0.0.1"}

    assert WsgiReadiness(wsgi_project)(request, None) == [b"the project's"]
