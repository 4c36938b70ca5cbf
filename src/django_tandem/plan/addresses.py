"""Texts such as ":8000" → the addresses that a server listens on."""

import ipaddress
import re
from collections.abc import Iterable

from django_tandem.errors import SettingError
from django_tandem.model import Bind

# An address of an option such as TANDEM["BIND"].
_ADDRESS = re.compile(r"(?:(?P<host>\[[^\]]*\]|[^:\[\]]*):)?(?P<port>[0-9]{1,5})")


def binds(addresses: Iterable[str], *, has_ipv6: bool) -> tuple[Bind, ...]:
    """
    Read addresses such as ``127.0.0.1:8000``, ``[::1]:80``, ``localhost:80`` and ``:80``.

    ``localhost`` and a port alone mean IPv4 and, where the machine has it, IPv6.
    Raises SettingError for any other text.
    """
    return tuple(
        dict.fromkeys(bind for text in addresses for bind in _expand(text, has_ipv6=has_ipv6))
    )


def _expand(text: str, *, has_ipv6: bool) -> list[Bind]:
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise _not_an_address(text)
    host, port = (found["host"] or "").strip("[]"), int(found["port"])
    pair = {"": ("0.0.0.0", "::"), "localhost": ("127.0.0.1", "::1")}.get(host)  # noqa: S104
    if pair is not None:
        return [Bind(host=each, port=port) for each in pair if has_ipv6 or ":" not in each]
    return [Bind(host=_ip(host, text), port=port)]


def _ip(host: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        raise _not_an_address(text) from None


def _not_an_address(text: str) -> SettingError:
    return SettingError(
        f'"{text}" is not an address to bind.',
        hint='Give an IP address and a port, such as "127.0.0.1:8000", "[::1]:8000" or ":8000".',
    )
