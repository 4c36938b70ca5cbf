"""A server tells whether it is ready, but not to the world."""

from inprocess.asgi.calling import call, http, websocket

from django_tandem.inprocess.asgi.ready import Ready


async def project(_scope, _receive, send):
    await send({"type": "the project's"})


def test_the_socket_is_told_that_the_server_is_ready():
    """Who asks directly gets the answer without the project."""
    start, body = call(Ready(project), http(path="/.tandem/ready"))

    assert (start["status"], body["body"]) == (200, b"ready")


def test_the_project_answers_what_comes_through_the_edge():
    """The same path is the project's own when a client asks it."""
    asked = http(path="/.tandem/ready", headers=[(b"x-real-ip", b"10.0.0.1")])

    assert call(Ready(project), asked) == [{"type": "the project's"}]


def test_the_socket_is_shown_that_the_server_shakes_hands():
    """A server that answers requests may yet lack what WebSockets need."""
    sent = call(Ready(project), websocket(path="/.tandem/ready"), {"type": "websocket.connect"})

    assert sent == [{"type": "websocket.accept"}, {"type": "websocket.close", "code": 1000}]


def test_a_handshake_through_the_edge_is_the_projects():
    """The world learns nothing."""
    asked = websocket(path="/.tandem/ready", headers=[(b"x-real-ip", b"10.0.0.1")])

    assert call(Ready(project), asked) == [{"type": "the project's"}]
