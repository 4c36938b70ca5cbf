"""An edge passes over a peer that takes no request, and never sends one twice."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from nginx import certificates
from nginx.edges import Edge
from nginx.peers import HOST, SECRET, Names, answering, dropping, listening, running
from nginx.scripted import HAND_OVER, OK

from django_tandem.model.peers import RESOLVE_VERSION
from harness.client import wait_for
from harness.stack import free_port

TIMEOUT_S = 1
HANDSHAKE = (
    ("Connection", "upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ("Sec-WebSocket-Version", "13"),
)
DEATH = b""
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
CALLS = [("/sync/", "GET", ()), ("/sync/", "POST", ()), ("/async/", "POST", ())]
CALLS += [("/socket/", "GET", HANDSHAKE)]


@dataclass(frozen=True)
class Ports:
    """Those of two peers of each stack."""

    wsgi: tuple[int, int]
    asgi: tuple[int, int]

    def of(self, path: str) -> tuple[int, int]:
        return self.wsgi if path == "/sync/" else self.asgi


@pytest.fixture(scope="module")
def ports() -> Ports:
    return Ports((free_port(), free_port()), (free_port(), free_port()))


@pytest.fixture(scope="module")
def edge(nginx_program, ports) -> Iterator[Edge]:
    """An edge with nothing behind it: each test starts the peers that it needs."""
    peers = {
        "WSGI": [f"{HOST}:{port}" for port in ports.wsgi],
        "ASGI": [f"{HOST}:{port}" for port in ports.asgi],
    }
    with running(nginx_program, peers, WSGI={"TIMEOUT_S": TIMEOUT_S}) as found:
        yield found


@pytest.mark.parametrize(("path", "method", "headers"), CALLS)
def test_a_peer_that_refuses_is_passed_over(edge, ports, path, method, headers) -> None:
    """Whichever of the two it is, and whatever the method."""
    for alive in ports.of(path):
        with answering(alive) as seen:
            answers = [edge.ask(path, method, headers).text for _ in range(6)]

        assert answers == ["ok"] * 6
        assert len(seen) == 6


@pytest.mark.parametrize("path", ["/sync/", "/async/"])
def test_requests_share_no_attempt(edge, ports, path) -> None:
    """Right after both were down, each of many at a time reaches the one that is back."""
    alive = ports.of(path)[1]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            assert refusal(edge.ask(path)) == (503, "1")
            with answering(alive):
                found = list(pool.map(lambda _: edge.ask(path).text, range(80)))

            assert found == ["ok"] * 80


@pytest.mark.parametrize(("path", "method", "headers"), CALLS)
def test_a_peer_that_dies_over_a_request_has_had_it(edge, ports, path, method, headers) -> None:
    """A GET too: 502 without Retry-After, and no other peer gets it."""
    with ExitStack() as stack:
        seen = [stack.enter_context(answering(port, DEATH)) for port in ports.of(path)]

        assert refusal(edge.ask(path, method, headers)) == (502, None)
        assert sum(map(len, seen)) == 1


@pytest.mark.parametrize("path", ["/sync/", "/async/"])
def test_a_peer_that_is_cut_off_is_passed_over(edge, ports, path) -> None:
    """The edge waits for a second, and the request is served by the other."""
    cut_off, alive = ports.of(path)
    before = edge.log.count("while connecting to upstream")
    with dropping(cut_off), answering(alive):
        texts = [edge.ask(path, "POST", body=b"x").text for _ in range(3)]
        wait_for(lambda: edge.log.count("while connecting to upstream") > before)

    assert texts == ["ok"] * 3
    assert "timed out" in edge.log.rpartition("while connecting to upstream")[0]


@pytest.mark.parametrize(("path", "method", "headers"), CALLS)
def test_without_a_peer_the_client_may_retry(edge, path, method, headers) -> None:
    """Nothing was sent."""
    answer = edge.ask(f"{path}?none", method, headers)

    assert refusal(answer) == (503, "1")
    assert "This site is starting or busy." in answer.text
    # With its status, which is not in the error log.
    logged = f'"{method} {path}?none HTTP/1.1" 503 '
    line = wait_for(lambda: next((each for each in edge.log.splitlines() if logged in each), ""))
    assert line.endswith(" edge")


def test_slow_views_do_not_take_their_peers_away(edge, ports) -> None:
    """NGINX counts a timeout as a failure of its peer, and the next request is served."""
    with ExitStack() as stack:
        for port in ports.wsgi:
            stack.enter_context(listening(port))
        assert [refusal(edge.ask("/sync/")) for _ in ports.wsgi] == [(504, None)] * 2
    with answering(ports.wsgi[0]), answering(ports.wsgi[1]):
        assert edge.ask("/sync/").text == "ok"


def test_a_handover_passes_over_a_peer_too(edge, ports) -> None:
    """And the log has both stacks, once each."""
    with answering(ports.wsgi[0], HAND_OVER), answering(ports.asgi[1]) as seen:
        answers = [edge.ask("/sync/?handed", "POST", body=b"x").text for _ in range(3)]
        lines = wait_for(lambda: lines_of(edge, "?handed", 3))

    assert answers == ["ok"] * 3
    assert [line.split()[9:] for line in lines] == [["wsgi>asgi"]] * 3
    assert all(b"X-Tandem-Handed: 1\r\n" in request for request in seen)


def test_a_body_in_a_file_reaches_the_next_peer_whole(edge, ports) -> None:
    """NGINX has read it from the client, and reads it from the start for each attempt."""
    body = bytes(range(256)) * 4000
    with listening(ports.wsgi[1]) as listener, ThreadPoolExecutor() as pool:
        # One of two begins with the peer that refuses.
        for _ in range(2):
            asked = pool.submit(edge.ask, "/sync/", "POST", body=body)
            with listener.accept()[0] as connection:
                assert read_body(connection, len(body)) == body
                connection.sendall(OK)
            assert asked.result(10).text == "ok"


def test_the_edge_sends_the_secret(edge, ports) -> None:
    """Once, whatever the client sends; the health check goes without."""
    with answering(ports.wsgi[0]) as seen, answering(ports.asgi[0]):
        edge.ask("/sync/", "GET", [("X-Tandem-Secret", "forged")])
        edge.ask("/.tandem/ready")

    request, ready = seen
    assert request.count(f"X-Tandem-Secret: {SECRET}\r\n".encode()) == 1
    assert b"forged" not in request
    assert b"GET /.tandem/ready HTTP/1.1" in ready
    assert b"X-Real-IP" not in ready


def test_nobody_else_reads_the_secret(edge) -> None:
    """It is in nginx.conf."""
    assert (edge.directory / "nginx.conf").stat().st_mode & 0o777 == 0o600


def test_the_edge_is_ready_with_a_peer_of_each_stack(edge, ports) -> None:
    """One that drains does not count."""
    with answering(ports.wsgi[0], BUSY), answering(ports.wsgi[1]), answering(ports.asgi[0]):
        assert edge.ask("/.tandem/ready").status == 200
    with answering(ports.wsgi[0], BUSY), answering(ports.asgi[0]):
        assert edge.ask("/.tandem/ready").status == 503
    with answering(ports.wsgi[0]):
        assert edge.ask("/.tandem/ready").status == 503
    assert edge.ask("/.tandem/edge").status == 204


def test_a_client_may_stay_with_its_peer(nginx_program) -> None:
    """By the address that a trusted proxy names."""
    ports = (free_port(), free_port())
    peers = {
        "WSGI": [f"{HOST}:{free_port()}"],
        "ASGI": [f"{HOST}:{port}" for port in ports],
        "STICKY": True,
    }
    # Peers are chosen by a hash that has the ports: of few clients, all may have one peer.
    clients = [f"192.0.2.{number}" for number in range(1, 41)]
    with (
        running(nginx_program, peers, EDGE={"TRUSTED_PROXIES": ["127.0.0.0/8"]}) as edge,
        answering(ports[0]) as first,
        answering(ports[1]) as second,
    ):
        for client in clients * 2:
            edge.ask("/async/", "GET", [("X-Forwarded-For", client)])

    served = [{client_of(request) for request in seen} for seen in (first, second)]
    assert all(served)
    assert served[0].isdisjoint(served[1])


def test_a_name_is_resolved_again(nginx_program) -> None:
    """A container that is replaced has another address, and NGINX keeps running."""
    port, other = free_port(), free_port()
    peers = {"WSGI": [f"wsgi.test:{port}"], "ASGI": [f"{HOST}:{other}"]}
    with Names().answering() as dns, ExitStack() as stack:
        dns.addresses["wsgi.test"] = ["127.0.0.2"]
        resolver = f"resolver {HOST} valid=5s"
        naive = ((resolver, f"resolver {HOST}:{dns.port} valid=1s"),)
        edge = stack.enter_context(running(nginx_program, peers, naive=naive))
        for host in ("127.0.0.2", "127.0.0.3"):
            dns.addresses["wsgi.test"] = [host]
            with answering(port, host=host):
                # Each process of NGINX has its own cache of names.
                wait_for(lambda: edge.ask("/sync/").text == "ok")
                wait_for(lambda: edge.ask("/sync/", "POST", body=b"x").text == "ok")
        if nginx_program.version >= RESOLVE_VERSION:
            # The peer has ended, and its address is still that of the name.
            assert refusal(edge.ask("/sync/?gone")) == (503, "1")
            assert edge.log.count('"GET /sync/?gone HTTP/1.1", upstream') == 2
        dns.addresses["wsgi.test"] = []
        assert refusal(edge.ask("/sync/")) == (503, "1")


def test_a_name_without_an_address_is_a_reason_to_retry(nginx_program) -> None:
    """Nothing was sent: each host of the peers may be about to start."""
    peers = {"WSGI": ["wsgi.test:9000"], "ASGI": [f"{HOST}:{free_port()}"]}
    with Names().answering() as dns:
        naive = ((f"resolver {HOST} valid=5s", f"resolver {HOST}:{dns.port} valid=1s"),)
        with running(nginx_program, peers, naive=naive) as edge:
            answer = edge.ask("/sync/")

            assert refusal(answer) == (503, "1")
            assert "This site is starting or busy." in answer.text


def test_a_dns_server_may_know_nothing_of_ipv6(nginx_program) -> None:
    """Some deny the name itself then, and NGINX would have no address; nor has it for a moment."""
    port = free_port()
    peers = {"WSGI": [f"wsgi.test:{port}"], "ASGI": [f"{HOST}:{free_port()}"]}
    with Names(is_strict=True).answering() as dns, answering(port, host="127.0.0.2"):
        naive = ((f"resolver {HOST} valid=5s", f"resolver {HOST}:{dns.port} valid=1s"),)
        with running(nginx_program, peers, naive=naive, has_ipv6=False) as edge:
            for _ in range(2):
                dns.addresses["wsgi.test"] = ["127.0.0.2"]
                wait_for(lambda: edge.ask("/sync/").text == "ok")
                dns.addresses["wsgi.test"] = []
                wait_for(lambda: refusal(edge.ask("/sync/")) == (503, "1"))
        assert not dns.has_ipv6_queries


def test_a_name_with_several_addresses_is_several_peers(nginx_program) -> None:
    """Of a headless Service, for example; a dead one is passed over where NGINX can know it."""
    port, other = free_port(), free_port()
    peers = {"WSGI": [f"wsgi.test:{port}"], "ASGI": [f"{HOST}:{other}"]}
    with Names().answering() as dns, ExitStack() as stack:
        dns.addresses["wsgi.test"] = ["127.0.0.2", "127.0.0.3"]
        naive = ((f"resolver {HOST} valid=5s", f"resolver {HOST}:{dns.port} valid=5s"),)
        edge = stack.enter_context(running(nginx_program, peers, naive=naive))
        with (
            answering(port, host="127.0.0.2") as first,
            answering(port, host="127.0.0.3") as second,
        ):
            wait_for(lambda: edge.ask("/sync/").status == 200 and first and second)
        if nginx_program.version >= RESOLVE_VERSION:
            assert refusal(edge.ask("/sync/")) == (503, "1")
            with answering(port, host="127.0.0.3"), ThreadPoolExecutor(8) as pool:
                found = list(pool.map(lambda _: edge.ask("/sync/").text, range(80)))
            assert found == ["ok"] * 80


@pytest.fixture
def authority(tmp_path) -> certificates.Authority:
    return certificates.Authority(tmp_path)


def test_edge_and_stack_prove_who_they_are(nginx_program, authority) -> None:
    """Each requires a certificate of the same CA, and the edge the name of the stack."""
    tls = authority.issue("edge")
    assert ask_by_tls(nginx_program, tls, authority.issue("stack")) == (200, None)
    # Of the same CA, with another name.
    assert ask_by_tls(nginx_program, tls, authority.issue("other")) == (503, "1")


def test_a_stack_of_another_ca_gets_no_request(nginx_program, authority, tmp_path) -> None:
    """The handshake fails before anything was sent, so that the client may retry."""
    (tmp_path / "forged").mkdir()
    forged = certificates.Authority(tmp_path / "forged")

    assert ask_by_tls(nginx_program, authority.issue("edge"), forged.issue("stack")) == (503, "1")


def ask_by_tls(nginx_program, edge_tls, stack_tls) -> tuple[int, str | None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(stack_tls["CERTIFICATE"], stack_tls["KEY"])
    context.load_verify_locations(edge_tls["CA"])
    context.verify_mode = ssl.CERT_REQUIRED
    port, other = free_port(), free_port()
    peers = {
        "WSGI": [f"{HOST}:{port}"],
        "ASGI": [f"{HOST}:{other}"],
        "SECRET": "",
        "TLS": {**edge_tls, "NAME": "stack"},
    }
    with running(nginx_program, peers) as edge, answering(port, tls=context):
        return refusal(edge.ask("/sync/", "POST", body=b"x"))


def read_body(connection: socket.socket, size: int) -> bytes:
    with connection.makefile("rb") as stream:
        while stream.readline() not in (b"\r\n", b""):
            pass
        return stream.read(size)


def refusal(answer) -> tuple[int, str | None]:
    return answer.status, answer.headers["Retry-After"]


def lines_of(edge: Edge, text: str, count: int) -> list[str]:
    found = [line for line in edge.log.splitlines() if text in line and '" 2' in line]
    return found if len(found) == count else []


def client_of(request: bytes) -> bytes:
    return request.partition(b"X-Real-IP: ")[2].partition(b"\r\n")[0]
