"""The edge listens on the given addresses, and nowhere else."""

import pytest
from nginx.edges import listens

from harness.client import ask
from harness.stack import free_port


@pytest.mark.parametrize(("path", "stack"), [("/sync/", "WSGI"), ("/async/", "ASGI")])
def test_each_address_of_a_list_is_answered(edge_with, path, stack) -> None:
    """IPv6 among them: the view gets the client's own address."""
    one, other = free_port(), free_port()
    binds = [f"127.0.0.1:{one}", f"[::1]:{one}", f"127.0.0.2:{other}"]
    with edge_with(BIND=binds, port=one):
        for host, port in (("127.0.0.1", one), ("::1", one), ("127.0.0.2", other)):
            reported = ask(port, path, host=host).json
            assert reported["served_by"] == f"{stack}Request"
            assert reported["client"] == ("::1" if host == "::1" else "127.0.0.1")
            name = "[::1]" if host == "::1" else host
            assert reported["absolute"] == f"http://{name}:{port}{path}"

        assert not listens(other)


def test_localhost_is_both_of_its_addresses(edge_with) -> None:
    """As a browser may try either."""
    port = free_port()
    with edge_with(BIND=f"localhost:{port}", port=port):
        assert ask(port, "/sync/", host="127.0.0.1").status == 200
        assert ask(port, "/sync/", host="::1").status == 200


def test_loopback_is_not_open_to_other_addresses(edge) -> None:
    """The default is for this machine alone."""
    assert listens(edge.port)
    assert not listens(edge.port, "127.0.0.2")
    assert not listens(edge.port, "::1")
