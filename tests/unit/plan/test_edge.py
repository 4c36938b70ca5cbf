"""The settings become the addresses, the workers and the further files of NGINX."""

from typing import Any

import pytest

from builders import host, plan
from django_tandem.errors import SettingError
from django_tandem.model import Edge, Include
from django_tandem.plan.edge import binds


def _shown(*addresses: str, has_ipv6: bool = True) -> list[str]:
    return [str(bind) for bind in binds(addresses, has_ipv6=has_ipv6)]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:8000", ["127.0.0.1:8000"]),
        ("[::1]:80", ["[::1]:80"]),
        ("0.0.0.0:80", ["0.0.0.0:80"]),
        (":8000", ["0.0.0.0:8000", "[::]:8000"]),
        ("8000", ["0.0.0.0:8000", "[::]:8000"]),
        ("localhost:8000", ["127.0.0.1:8000", "[::1]:8000"]),
    ],
)
def test_a_port_alone_and_localhost_mean_both_families(address: str, expected: list[str]) -> None:
    """Any other address means itself."""
    assert _shown(address) == expected


def test_ipv6_is_omitted_on_a_machine_without_it() -> None:
    """NGINX would not start there."""
    assert _shown(":8000", "localhost:1", has_ipv6=False) == ["0.0.0.0:8000", "127.0.0.1:1"]


def test_an_address_named_twice_is_bound_once() -> None:
    """NGINX rejects a duplicate listen directive."""
    assert _shown(":80", "0.0.0.0:80") == ["0.0.0.0:80", "[::]:80"]


@pytest.mark.parametrize(
    "address", ["", "nonsense", "example.com:80", "1.2.3.4:0", "[::1]:65536", "::1:80"]
)
def test_any_other_text_is_an_error(address: str) -> None:
    """The error quotes the text and shows valid addresses."""
    with pytest.raises(SettingError) as caught:
        _shown(address)

    assert str(caught.value) == (
        f'"{address}" is not an address to bind.\n  Give an IP address and a port, '
        'such as "127.0.0.1:8000", "[::1]:8000" or ":8000".'
    )


TLS = {"CERTIFICATE": "chain.pem", "KEY": "key.pem"}


def _edge(**given: Any) -> Edge:
    bind = given.pop("BIND", ":443")
    return plan(tandem={"BIND": bind, "EDGE": given}).edge


def test_plain_http_is_redirected_to_the_port_of_https() -> None:
    """REDIRECT is read as BIND is; of several ports of BIND, 443 is the usual one."""
    edge = _edge(TLS=TLS, REDIRECT=[":80"], BIND=["127.0.0.1:8443", ":443"])

    assert [str(each) for each in edge.redirects] == ["0.0.0.0:80", "[::]:80"]
    assert edge.https_port == 443
    assert _edge(TLS=TLS, REDIRECT=":80", BIND=":8443").https_port == 8443


def test_the_edge_listens_on_the_redirected_addresses_too() -> None:
    """A start checks that they are free, and a reload that they are its own."""
    edge = _edge(TLS=TLS, REDIRECT="127.0.0.1:80", BIND="127.0.0.1:443")

    assert [str(each) for each in edge.addresses] == ["127.0.0.1:443", "127.0.0.1:80"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"REDIRECT": ":80"},
            'TANDEM["EDGE"]["REDIRECT"] is ":80", and TANDEM["EDGE"]["TLS"] is not set.\n'
            "  Set TLS, or remove REDIRECT: behind a proxy that ends TLS, Django's "
            "SECURE_SSL_REDIRECT redirects.",
        ),
        (
            {"REDIRECT": ["127.0.0.1:443"], "TLS": TLS},
            'TANDEM["EDGE"]["REDIRECT"] is "127.0.0.1:443", and BIND serves HTTPS on '
            '127.0.0.1:443.\n  Set them to different ports, such as ":80" and ":443".',
        ),
        (
            {"REDIRECT": "http", "TLS": TLS},
            '"http" is not an address to bind.\n  Give an IP address and a port, '
            'such as "127.0.0.1:8000", "[::1]:8000" or ":8000".',
        ),
    ],
    ids=["without TLS", "the address of BIND", "not an address"],
)
def test_a_redirect_needs_tls_and_its_own_address(given, message) -> None:
    """Without TLS there is no HTTPS to redirect to."""
    with pytest.raises(SettingError) as caught:
        _edge(BIND="127.0.0.1:443", **given)

    assert str(caught.value) == message


@pytest.mark.parametrize(("cpus", "workers"), [(0.5, 1), (1.5, 2), (4.0, 4)])
def test_nginx_has_a_worker_for_each_cpu_of_the_container(cpus: float, workers: int) -> None:
    """As the servers do; a started CPU counts."""
    assert plan(on=host(cpus=cpus)).edge.workers == workers


@pytest.mark.parametrize(
    ("given", "include"),
    [
        ("edge.conf", Include(server="edge.conf")),
        ({"http": "zones.conf"}, Include(http="zones.conf")),
        ({"http": "a.conf", "server": "b.conf"}, Include(http="a.conf", server="b.conf")),
        (None, Include()),
    ],
)
def test_an_include_is_for_the_server_block_unless_it_names_the_block(given, include) -> None:
    """A string has always been for the server block."""
    assert _edge(INCLUDE=given).include == include


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ("/var/tmp/shop", "/var/tmp/shop"),
        ("var/tmp", "/srv/project/var/tmp"),
        ("../tmp", "/srv/tmp"),
    ],
)
def test_the_directory_of_large_bodies_is_as_set(given, expected) -> None:
    """A relative one is relative to the project; by default NGINX keeps them in RUN_DIR."""
    assert _edge(TEMP_DIR=given).temp_dir == expected
