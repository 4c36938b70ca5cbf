"""TANDEM["BIND"] becomes the addresses that NGINX listens on."""

import pytest

from django_tandem.errors import SettingError
from django_tandem.plan import binds


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
