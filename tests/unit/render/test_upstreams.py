"""How nginx.conf reaches a stack: its socket, or peers by address and by name."""

import subprocess
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import DEBIAN, WHEEL, host, plan, verdict, websocket
from django_tandem import output
from django_tandem.model import Edge, Nginx, Resolver
from django_tandem.render import nginx
from django_tandem.render.upstreams import dns_servers, full_name, upstreams

SECRET = "0123456789abcdef0123456789abcdef"
CLUSTER = Resolver(servers=("10.96.0.10",), search=("shop.svc.cluster.local", "svc.cluster.local"))
NAMED = {"WSGI": ["wsgi:9000"], "ASGI": ["asgi:9001"]}
TLS = {"CERTIFICATE": "tls/edge.pem", "KEY": "tls/edge.key", "CA": "tls/ca.pem"}


def edge(peers: dict[str, Any], on: Nginx = WHEEL, roles: str = "edge") -> Edge:
    return planned(peers, on, roles).edge


def planned(peers: dict[str, Any], on: Nginx = WHEEL, roles: str = "edge") -> Any:
    return plan(
        verdict("/"),
        websocket("/ws/"),
        on=host(nginx=on, resolver=CLUSTER),
        roles=roles,
        tandem={"PEERS": {"SECRET": SECRET, **peers}},
    )


def test_a_stack_of_this_host_has_its_socket() -> None:
    """Whatever the peers of the other."""
    found = upstreams(edge(NAMED, roles="edge,wsgi"))

    assert (found["wsgi"].url, found["wsgi"].has_peers) == ("http://tandem_wsgi", False)
    assert found["asgi"].has_peers


def test_names_are_resolved_again() -> None:
    """NGINX searches no domain, so that a short name gets the first one."""
    found = upstreams(edge(NAMED))["wsgi"]

    assert found.servers == ("wsgi.shop.svc.cluster.local:9000 resolve",)
    assert (found.url, found.any_url) == ("http://tandem_wsgi", "http://tandem_wsgi_any")
    assert dns_servers(edge(NAMED)) == ["10.96.0.10"]


def test_an_old_nginx_resolves_the_name_of_a_variable() -> None:
    """It has no `resolve` for the servers of an upstream."""
    found = upstreams(edge(NAMED, DEBIAN))["wsgi"]

    assert (found.servers, found.name) == ((), "wsgi.shop.svc.cluster.local:9000")
    assert found.url == found.any_url == "http://$tandem_wsgi_peer"


def test_addresses_need_no_dns_server() -> None:
    """Nor does a name of this host."""
    given = {"WSGI": ["10.0.0.5:9000", "[fd00::5]:9000"], "ASGI": ["localhost:9001"]}
    found = upstreams(edge(given, DEBIAN))

    assert found["wsgi"].servers == ("10.0.0.5:9000", "[fd00::5]:9000")
    assert found["asgi"].servers == ("127.0.0.1:9001",)
    assert dns_servers(edge(given)) == []


def test_the_first_dns_server_alone_is_asked() -> None:
    """The next one of a container knows the host's names, and not those of the containers."""
    found = edge(NAMED)
    both = replace(CLUSTER, servers=("fd00::10", "10.255.255.53"))

    assert dns_servers(replace(found, peers=replace(found.peers, resolver=both))) == ["[fd00::10]"]


@pytest.mark.parametrize(
    ("name", "resolver", "expected"),
    [
        ("wsgi", CLUSTER, "wsgi.shop.svc.cluster.local"),
        ("wsgi.other", CLUSTER, "wsgi.other"),
        ("wsgi", Resolver(servers=("10.0.0.2",)), "wsgi"),
        # Docker copies the domains of its host.
        ("wsgi", Resolver(servers=("127.0.0.11",), search=("corp.example",)), "wsgi"),
    ],
)
def test_a_short_name_gets_the_domain_of_its_machine(name, resolver, expected) -> None:
    """Where the DNS server does not know it without."""
    assert full_name(name, resolver) == expected


def test_a_single_address_is_tried_twice() -> None:
    """It may be that of a load balancer; each of several is tried by its position at last."""
    given = {"WSGI": ["10.0.0.5:9000"], "ASGI": ["10.0.0.6:9001", "10.0.0.7:9001"]}
    found = upstreams(edge(given))

    assert [(each.location, each.failures) for each in found["wsgi"].retries] == [
        ("@tandem_again_wsgi", "-")
    ]
    assert found["wsgi"].all_failed == "- : -"
    assert [(each.location, each.url, each.failures) for each in found["asgi"].retries] == [
        ("@tandem_again_asgi", "http://tandem_asgi", "-"),
        ("@tandem_any_asgi", "http://tandem_asgi_any", "- : -"),
        ("@tandem_turn1_asgi", "http://tandem_asgi_turn", "- : - : -"),
        ("@tandem_turn2_asgi", "http://tandem_asgi_turn", "- : - : - : -"),
    ]


def test_an_old_nginx_has_no_turns_for_a_name() -> None:
    """Each attempt takes one of its addresses at random."""
    retries = upstreams(edge(NAMED, DEBIAN))["wsgi"].retries

    assert [each.location for each in retries] == [
        "@tandem_again_wsgi",
        "@tandem_any_wsgi",
        "@tandem_last_wsgi",
    ]


@pytest.mark.parametrize("position", range(3))
def test_a_turn_is_a_position(position) -> None:
    """NGINX hashes a text by 15 bits of its CRC-32, and takes the remainder by the peers."""
    retry = upstreams(edge(NAMED))["wsgi"].retries[2 + position]

    assert (zlib.crc32(retry.turn.encode()) >> 16) & 0x7FFF == position
    assert retry.is_short


def test_tls_has_the_name_of_the_peers() -> None:
    """Or the one that is set."""
    found = upstreams(edge({**NAMED, "TLS": TLS}))
    named = upstreams(edge({**NAMED, "TLS": {**TLS, "NAME": "stacks"}}))

    assert (found["wsgi"].url, found["wsgi"].tls_name) == ("https://tandem_wsgi", "wsgi")
    assert [each.tls_name for each in named.values()] == ["stacks", "stacks"]


@pytest.mark.processes
@pytest.mark.parametrize("roles", ["edge", "edge,wsgi", "edge,asgi"])
@pytest.mark.parametrize("sticky", [True, False])
def test_nginx_accepts_the_file(nginx_program, tmp_path, roles, sticky) -> None:
    """Its `nginx -t` needs no answer of a DNS server."""
    names = NAMED if not sticky else {"WSGI": ["10.0.0.5:9000"], "ASGI": ["10.0.0.6:9001"]}
    output.write(nginx.render(planned({**names, "STICKY": sticky}, nginx_program, roles)), tmp_path)

    assert errors(nginx_program, tmp_path) == ""


def test_only_the_owner_reads_a_file_with_the_secret() -> None:
    """Without one, everybody may."""
    modes = {file.name: file.mode for file in nginx.render(planned(NAMED))}

    assert modes == {"nginx.conf": 0o600, "mime.types": 0o644}
    assert {file.mode for file in nginx.render(plan(verdict("/")))} == {0o644}
    assert nginx.render(planned(NAMED, roles="wsgi")) == ()


def errors(program: Nginx, directory: Path) -> str:
    return subprocess.run(
        [program.program, "-t", "-q", "-p", f"{directory}/", "-c", "nginx.conf", "-e", "stderr"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    ).stderr
