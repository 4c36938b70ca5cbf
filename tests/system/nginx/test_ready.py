"""`/.tandem/ready` for orchestrators: whatever the host name, 200 when both stacks are ready."""

import socket

import pytest
from nginx import certificates
from nginx.edges import insecure, running_edge
from nginx.scripted import answering

from harness.client import ask
from harness.stack import free_port

READY = "/.tandem/ready"
OWN = "/.tandem/edge"
HOSTS = ["shop.example", "127.0.0.1", "10.1.2.3:8000", "other.example"]


@pytest.mark.parametrize("names", [[], ["shop.example"]], ids=["any name", "server names"])
def test_the_health_check_is_answered_by_every_name(edge_with, names) -> None:
    """A kubelet requests it by the address of the pod."""
    with edge_with(EDGE={"SERVER_NAMES": names}) as edge:
        for host in HOSTS:
            answer = edge.ask(READY, headers=[("Host", host)])
            assert (answer.status, answer.text) == (200, "ready")
        assert b" 200 " in edge.exchange(f"GET {READY} HTTP/1.0")
        # A view is not.
        status = 421 if names else 200
        assert edge.ask("/sync/", headers=[("Host", "other.example")]).status == status
        assert READY not in edge.log


def test_the_health_check_is_answered_from_other_addresses(edge_with) -> None:
    """An orchestrator requests it over the network."""
    port = free_port()
    with edge_with(BIND=f"0.0.0.0:{port}", port=port):
        request = f"GET {READY} HTTP/1.0\r\n\r\n".encode()
        with socket.create_connection(
            ("127.0.0.1", port), timeout=5, source_address=("127.0.0.9", 0)
        ) as connection:
            connection.sendall(request)
            assert b" 200 " in connection.recv(1000)
        own = socket.gethostbyname(socket.gethostname())
        assert ask(port, READY, host=own).status == 200


def test_the_health_check_is_answered_with_tls(edge_with, tmp_path) -> None:
    """By a client that does not verify the certificate, as a kubelet."""
    context = insecure()
    context.set_alpn_protocols(["http/1.1"])
    tls = certificates.make(tmp_path, "shop.example")
    with edge_with(EDGE={"TLS": tls}) as edge:
        assert ask(edge.port, READY, tls=context).status == 200


@pytest.mark.parametrize("missing", ["wsgi.sock", "asgi.sock"])
def test_it_is_503_unless_both_stacks_are_ready(project, nginx_program, tmp_path, missing) -> None:
    """Down, busy or stopping."""
    sockets = tmp_path
    ready = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready"
    (other,) = {"wsgi.sock", "asgi.sock"} - {missing}
    with running_edge(project, nginx_program, sockets) as edge:
        assert edge.ask(READY).status == 503
        with answering(sockets / other, ready):
            answer = edge.ask(READY)
            assert (answer.status, answer.text) == (503, "not ready\n")
            assert answer.headers["Connection"] == "close"
            with answering(
                sockets / missing, b"HTTP/1.1 503 Stopping\r\nContent-Length: 0\r\n\r\n"
            ):
                assert edge.ask(READY).status == 503
            with answering(sockets / missing, ready):
                answer = edge.ask(READY)
                # On a connection that is kept alive, NGINX answers while it stops.
                assert (answer.status, answer.headers["Connection"]) == (200, "close")


@pytest.mark.parametrize("names", [[], ["shop.example"]], ids=["any name", "server names"])
def test_the_edge_has_its_own_answer(project, nginx_program, tmp_path, names) -> None:
    """For the probes, which ask the stacks themselves: no stack is needed, and no name."""
    with running_edge(project, nginx_program, tmp_path, EDGE={"SERVER_NAMES": names}) as edge:
        for host in HOSTS:
            answer = edge.ask(OWN, headers=[("Host", host)])
            assert (answer.status, answer.text) == (204, "")
        assert OWN not in edge.log
