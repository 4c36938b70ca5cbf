"""What Gunicorn reads beside its command line."""

import socket

import pytest

from django_tandem.servers import WSGI_SERVERS
from harness.server import serving

GUNICORN = WSGI_SERVERS[0]


def test_statsd_packets_reach_a_listener(directory):
    """STATSD_ARGS is read as Gunicorn's own arguments, and each request is counted."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        port = listener.getsockname()[1]
        arguments = f"--statsd-host=127.0.0.1:{port} --statsd-prefix='shop'"

        with serving(GUNICORN, directory, environment={"STATSD_ARGS": arguments}) as running:
            running.ask()
            packet = b""
            while not packet.startswith(b"shop.gunicorn.requests:"):
                packet = listener.recv(1024)

        # The socket is Gunicorn's own.
        assert "each worker loads the project" not in running.log

    assert packet.startswith(b"shop.gunicorn.requests:1|c")


def test_no_socket_but_the_one_asked_for_is_opened(directory):
    """Gunicorn's control socket would be one more thing to guard and to clean."""
    with serving(GUNICORN, directory) as running:
        assert "ontrol socket" not in running.log


def test_a_connection_opened_by_the_import_is_not_shared(directory):
    """The project that opens its database while it is imported serves it from each worker."""
    environment = {"TANDEM_WSGI_APPLICATION": "project.hasty.application"}

    with serving(GUNICORN, directory, workers=2, environment=environment) as running:
        assert running.ask(path="/connection").body == b"opened by this process"


@pytest.mark.parametrize("path", ["/plain", "/file"])
def test_head_is_not_logged_as_a_mistake(directory, path):
    """Gunicorn would warn of each body that Django makes for HEAD."""
    with serving(GUNICORN, directory) as running:
        assert running.ask("HEAD", path).status == 200
        # The one worker takes it when it is done with the first.
        running.ask()
        assert "no-body response" not in running.log
