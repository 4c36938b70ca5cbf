"""REDIRECT: plain HTTP is redirected to HTTPS, but for challenges of ACME and health checks."""

import getpass
import os
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nginx import certificates
from nginx.edges import listens, request, started
from oracle.edges import Sockets

from builders import host, plan, verdict
from django_tandem import output
from django_tandem.model import Nginx
from django_tandem.render.nginx import render
from harness.client import TIMEOUT_S, Answer, ask, wait_for
from harness.stack import free_port

NAMES = ["shop.example", "*.shop.example"]
CHALLENGE = "/.well-known/acme-challenge/"


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> dict[str, str]:
    return certificates.make(tmp_path_factory.mktemp("tls"), *NAMES)


@pytest.fixture(scope="module")
def webroot(tmp_path_factory) -> Path:
    """What `certbot certonly --webroot` would write for a challenge."""
    directory = tmp_path_factory.mktemp("acme")
    token = directory / CHALLENGE.strip("/") / "token"
    token.parent.mkdir(parents=True)
    token.write_text("token.thumbprint")
    return directory


@dataclass(frozen=True)
class Secure:
    """An edge with TLS on ``port`` that redirects what reaches ``plain``."""

    port: int
    plain: int
    log: Path

    def ask(self, target: str, host: str, method: str = "GET", **headers: str) -> Answer:
        more = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return ask(self.plain, target, method, [("Host", host), *more])

    def redirect(self, target: str, host: str, method: str = "GET") -> str:
        answer = self.ask(target, host, method)
        assert answer.status == 308
        return answer.headers["Location"]


@contextmanager
def serving(program: Nginx, stacks: Sockets, port: int, **edge: Any) -> Iterator[Path]:
    """Run an edge in front of ``stacks``, which need no project, with these options of EDGE."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        directory = Path(path)
        planned = plan(
            verdict("/sync/"),
            tandem={"BIND": f"127.0.0.1:{port}", "EDGE": edge},
            on=host(nginx=program, user=getpass.getuser(), is_root=os.geteuid() == 0),
            run_dir=path,
        )
        output.write(render(planned), directory)
        (directory / "wsgi.sock").symlink_to(stacks.wsgi)
        with started(program, directory):
            wait_for(lambda: listens(port))
            yield directory


@pytest.fixture(scope="module")
def edge(nginx_program, named, tls, webroot) -> Iterator[Secure]:
    """An edge with server names, a trusted proxy, a webroot and an INCLUDE for each block."""
    http, server = webroot / "http.conf", webroot / "server.conf"
    http.write_text(
        "limit_req_zone $binary_remote_addr zone=site:1m rate=1000r/s;\n"
        "log_format brief 'brief $status $scheme';\n"
        "map $request_method $included { default yes; }\n"
    )
    server.write_text(
        "limit_req zone=site burst=100 nodelay;\n"
        "access_log /dev/stdout brief;\n"
        "add_header X-Included $included always;\n"
    )
    port, plain = free_port(), free_port()
    options = {
        "TLS": tls,
        "REDIRECT": f"127.0.0.1:{plain}",
        "SERVER_NAMES": NAMES,
        "ACME_ROOT": str(webroot),
        "TRUSTED_PROXIES": ["127.0.0.1"],
        "INCLUDE": {"http": str(http), "server": str(server)},
    }
    with serving(nginx_program, named, port, **options) as directory:
        yield Secure(port, plain, directory / "log")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_plain_http_is_redirected_for_good_with_its_host_path_and_method(edge, method) -> None:
    """308 keeps the method and the body, which 301 does not."""
    found = edge.redirect("/sync/?a=b%20c", "SHOP.example:8080", method)

    assert found == f"https://SHOP.example:{edge.port}/sync/?a=b%20c"


def test_the_client_of_a_published_port_is_sent_to_the_usual_one(edge) -> None:
    """A container's port 8080 is published as 80, which a client does not name, and 8443 as 443."""
    assert edge.redirect("/sync/", "shop.example") == "https://shop.example/sync/"


@pytest.mark.parametrize("path", ["/sync/", f"{CHALLENGE}token"])
def test_an_unknown_host_is_not_redirected(edge, path) -> None:
    """Nobody is sent to a host that is not one of SERVER_NAMES."""
    assert edge.ask(path, "evil.example").status == 421


def test_a_path_that_looks_like_a_host_stays_a_path(edge) -> None:
    """A client must not be led to another site."""
    found = edge.redirect("//evil.example/..%2f", "shop.example")

    assert found == "https://shop.example//evil.example/..%2f"


def test_a_challenge_is_answered_from_the_webroot(edge) -> None:
    """By plain HTTP, with which a certificate authority begins."""
    answer = edge.ask(f"{CHALLENGE}token", "shop.example")

    assert (answer.status, answer.text) == (200, "token.thumbprint")
    assert answer.headers["Content-Type"] == "text/plain"


def test_a_challenge_is_answered_by_https_too(edge, tls) -> None:
    """The authority follows a redirect, such as that of a proxy in front."""
    context = ssl.create_default_context(cafile=tls["CERTIFICATE"])
    lines = (f"GET {CHALLENGE}token HTTP/1.1", "Host: shop.example", "Connection: close")
    with (
        socket.create_connection(("127.0.0.1", edge.port), timeout=TIMEOUT_S) as connection,
        context.wrap_socket(connection, server_hostname="shop.example") as secure,
    ):
        secure.sendall(request(*lines))
        answer = b"".join(iter(lambda: secure.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"token.thumbprint")


def test_a_challenge_without_a_file_is_the_projects(edge) -> None:
    """A package of the project may answer it."""
    answer = edge.ask(f"{CHALLENGE}other", "shop.example")

    assert (answer.status, answer.text) == (200, "wsgi")


@pytest.mark.parametrize("target", [f"{CHALLENGE}../../sync/", "/.well-known/other", "/x%2e"])
def test_no_other_path_is_let_through(edge, target) -> None:
    """Dots do not lead out of the exception."""
    assert edge.redirect(target, "shop.example") == f"https://shop.example{target}"


def test_the_health_check_is_answered_by_plain_http(edge) -> None:
    """An orchestrator has no certificate to trust."""
    assert edge.ask("/.tandem/ready", "10.0.0.1").status == 200


def test_https_that_ends_at_a_trusted_proxy_is_not_redirected(edge) -> None:
    """The proxy speaks plain HTTP to this edge: it would be redirected forever."""
    answer = edge.ask("/sync/", "shop.example", X_Forwarded_Proto="https")

    assert answer.status == 200
    assert edge.ask("/sync/", "shop.example", X_Forwarded_Proto="http").status == 308


def test_an_include_may_have_a_file_for_the_http_block(edge) -> None:
    """What the server block's file names is declared there: a zone, a log format, a variable."""
    answer = edge.ask("/sync/", "shop.example", X_Forwarded_Proto="https")

    assert answer.headers["X-Included"] == "yes"
    wait_for(lambda: "brief 308 http" in edge.log.read_text())


def test_without_server_names_an_included_server_gets_its_own_requests_alone(
    nginx_program, named, tmp_path
) -> None:
    """NGINX would take the first server of an address as its default."""
    port = free_port()
    http = tmp_path / "http.conf"
    http.write_text(f"server {{ listen 127.0.0.1:{port}; server_name own.example; return 204; }}\n")
    with serving(nginx_program, named, port, INCLUDE={"http": str(http)}):
        assert ask(port, "/sync/", headers=[("Host", "own.example")]).status == 204
        assert ask(port, "/sync/", headers=[("Host", "shop.example")]).status == 200
