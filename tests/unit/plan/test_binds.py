"""Addresses as a user writes them become what NGINX listens on."""

import pytest

from django_tandem.errors import SettingError
from django_tandem.plan.binds import binds


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
def test_an_address_is_read_as_its_author_meant_it(address: str, expected: list[str]) -> None:
    """A port alone and localhost stand for both families."""
    assert _shown(address) == expected


def test_ipv6_is_left_out_where_the_machine_has_none() -> None:
    """NGINX would not start on an address family that is missing."""
    assert _shown(":8000", "localhost:1", has_ipv6=False) == ["0.0.0.0:8000", "127.0.0.1:1"]


def test_an_address_named_twice_is_bound_once() -> None:
    """NGINX refuses a duplicate listen."""
    assert _shown(":80", "0.0.0.0:80") == ["0.0.0.0:80", "[::]:80"]


@pytest.mark.parametrize(
    "address", ["", "nonsense", "example.com:80", "1.2.3.4:0", "[::1]:65536", "::1:80"]
)
def test_anything_else_is_refused(address: str) -> None:
    """The error shows the address and what one looks like."""
    with pytest.raises(SettingError) as caught:
        _shown(address)

    assert str(caught.value) == (
        f'"{address}" is not an address to bind.\n  Give an IP address and a port, '
        'such as "127.0.0.1:8000", "[::1]:8000" or ":8000".'
    )
