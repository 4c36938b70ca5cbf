"""Where a server listens, for the edge of its host and for one on another."""

from dataclasses import replace

import pytest

from django_tandem import servers
from django_tandem.errors import SettingError
from django_tandem.model import Bind, PeerTls, Stack
from django_tandem.servers.server import Launch, socket_and_address

LAUNCH = Launch(
    python="/venv/bin/python",
    application="wsgi:application",
    socket="/run/wsgi-1.sock",
    workers=1,
    timeout_s=60,
    grace_s=8,
)
ANY = replace(LAUNCH, bind=Bind(host="::", port=9000))
TLS = PeerTls(certificate="/tls/chain.pem", key="/tls/key.pem", ca="/tls/ca.pem")
EVERY = [(server.stack, server.name) for server in (*servers.WSGI_SERVERS, *servers.ASGI_SERVERS)]


@pytest.mark.parametrize(
    ("stack", "name", "expected"),
    [
        (Stack.WSGI, "gunicorn", {"--bind=unix:/run/wsgi-1.sock", "--bind=[::]:9000"}),
        (Stack.WSGI, "uwsgi", {"--http-socket=/run/wsgi-1.sock", "--http-socket=[::]:9000"}),
        (Stack.WSGI, "waitress", {"--listen=*:9000"}),
        (Stack.WSGI, "granian", {"--host=::", "--port=9000"}),
        (Stack.ASGI, "uvicorn", {"--host=", "--port=9000"}),
        (Stack.ASGI, "hypercorn", {"--bind=unix:/run/wsgi-1.sock", "--bind=[::]:9000"}),
        (Stack.ASGI, "daphne", {r"--endpoint=tcp:port=9000:interface=\:\::backlog=2048"}),
    ],
)
def test_any_host_is_that_of_both_protocols(stack, name, expected) -> None:
    """Each server binds it by its own name; those that can have the socket, too."""
    assert expected <= set(servers.find(stack, name).argv(ANY))


@pytest.mark.parametrize(("stack", "name"), EVERY)
def test_a_server_without_an_address_has_its_socket_alone(stack, name) -> None:
    """As on one host."""
    server = servers.find(stack, name)

    assert socket_and_address(server, LAUNCH) == ("/run/wsgi-1.sock", None)
    assert not any("9000" in argument for argument in server.argv(LAUNCH))


def test_some_servers_have_one_address() -> None:
    """Their health checks go to it."""
    assert socket_and_address(servers.find(Stack.WSGI, "granian"), ANY) == (None, ANY.bind)
    assert socket_and_address(servers.find(Stack.WSGI, "gunicorn"), ANY) == (
        "/run/wsgi-1.sock",
        ANY.bind,
    )


def test_tls_that_a_server_lacks_is_refused() -> None:
    """Anybody could connect."""
    with pytest.raises(SettingError) as raised:
        socket_and_address(servers.find(Stack.ASGI, "daphne"), replace(ANY, tls=TLS))

    assert str(raised.value) == (
        'TANDEM["PEERS"]["TLS"] is set, and daphne requires no certificate of its clients.\n'
        '  Set TANDEM["PEERS"]["SECRET"] instead, or choose gunicorn for WSGI, hypercorn for ASGI, '
        "or gunicorn and uvicorn with SHARED_MASTER, which runs where a stack is the only role of "
        "a host, or both stacks are on it."
    )


def test_hypercorn_has_tls_on_the_address_alone() -> None:
    """It has an option for each."""
    line = servers.find(Stack.ASGI, "hypercorn").argv(replace(ANY, tls=TLS))

    assert "--insecure-bind=unix:/run/wsgi-1.sock" in line
    assert {"--certfile=/tls/chain.pem", "--verify-mode=CERT_REQUIRED"} <= set(line)
