"""A server tells whether it is ready, but not to the world."""

from django_tandem.inprocess.wsgi.ready import Ready


def project(_environ, _start_response):
    return [b"the project's"]


def test_the_socket_is_told_that_the_server_is_ready():
    """Who asks directly gets the answer without the project."""
    started = []

    body = Ready(project)({"PATH_INFO": "/.tandem/ready"}, lambda *args: started.append(args))

    assert body == [b"ready"]
    assert started[0][0] == "200 OK"


def test_the_project_answers_what_comes_through_the_edge():
    """The same path is the project's own when a client asks it."""
    asked = {"PATH_INFO": "/.tandem/ready", "HTTP_X_REAL_IP": "10.0.0.1"}

    assert Ready(project)(asked, None) == [b"the project's"]
