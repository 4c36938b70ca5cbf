"""TANDEM["PEERS"]: the stacks on other hosts, and how the edge and they trust each other."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django_tandem import environment
from django_tandem.errors import SettingError
from django_tandem.model import Peer
from django_tandem.settings import readers
from django_tandem.settings.options import REQUIRED, dict_of, option
from django_tandem.settings.readers import Reader, list_of, optional, reader

# A name of DNS or of a container, in which an underscore is common.
_PEER = re.compile(
    r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?):(?P<port>[0-9]{1,5})"
)

# It is written to nginx.conf, to supervisord.conf and to the environment, and sent in a header.
_SECRET = re.compile(r"[A-Za-z0-9!%&()*+,./:<=>?@^_{|}~-]{32,1024}")
_EXPECTED = (
    "at least 32 letters, digits and other ASCII characters, without spaces, quotes, semicolons, "
    "hashes, backslashes and dollar signs"
)
_HINT = 'Make one with `python -c "import secrets; print(secrets.token_urlsafe(32))"`.'


@reader('an address such as "wsgi:9000", "10.0.0.5:9000" or "[fd00::5]:9000"')
def peer(value: Any, _path: str) -> Peer:
    """Read the address of a server on another host."""
    found = _PEER.fullmatch(value) if isinstance(value, str) else None
    if found is None or not 0 < int(found["port"]) < 65536:
        raise ValueError
    host = found["host"].strip("[]")
    if host.replace(".", "").isdecimal() or ":" in host:
        host = str(ipaddress.ip_address(host))
    return Peer(host=host, port=int(found["port"]))


peers = list_of(peer, 'addresses such as "wsgi:9000"')


def _read_secret(value: Any, path: str) -> str:
    if value == "":
        return ""
    # Several are separated by a space, which none of them has.
    parts = value.split(" ") if isinstance(value, str) else []
    if not parts or not all(map(_SECRET.fullmatch, parts)):
        # Not the value itself: errors are logged.
        lengths = " and ".join(str(len(each)) for each in parts)
        given = f"{lengths} characters" if parts else type(value).__name__
        raise SettingError(f"{path}: Expected {_EXPECTED}, got {given}.", hint=_HINT)
    return str(value)


secret = Reader(f"a string of {_EXPECTED}", _read_secret)


def read_environment_secret(environ: Mapping[str, str]) -> str:
    """Return the secret of the environment, empty without one; raises SettingError."""
    if given := environ.get(environment.SECRET, ""):
        return _read_secret(given, environment.SECRET)
    file = environ.get(environment.SECRET_FILE, "")
    if not file:
        return ""
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingError(
            f'{environment.SECRET_FILE} is "{file}", which can\'t be read: {reason}.',
            hint="Name a file that the user of the stack may read, with the secret alone in it.",
        ) from None
    if not text.strip():
        raise SettingError(f'{environment.SECRET_FILE} is "{file}", which is empty.', hint=_HINT)
    return _read_secret(text.strip(), environment.SECRET_FILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTlsSettings:
    """TANDEM["PEERS"]["TLS"]."""

    certificate: str = option(
        readers.file_path,
        REQUIRED,
        "the PEM file of this host's certificate and its chain, for both ends",
    )
    key: str = option(readers.file_path, REQUIRED, "the PEM file of its private key")
    ca: str = option(
        readers.file_path, REQUIRED, "the PEM file of the CA that signed the other host's"
    )
    name: str | None = option(
        optional(readers.text),
        None,
        "the name in the certificates of the stacks; None: the host of the peers",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersSettings:
    """TANDEM["PEERS"]."""

    wsgi: tuple[Peer, ...] = option(
        peers, [], 'the WSGI servers for an edge without one, such as "wsgi:9000"'
    )
    asgi: tuple[Peer, ...] = option(
        peers, [], 'the ASGI servers for an edge without one, such as "asgi:9001"'
    )
    secret: str = option(
        secret,
        "",
        "the secret that the edge and the stacks share, or several with a space in between: the "
        "edge sends the first, and the stacks accept each; from the environment when empty: "
        "TANDEM_SECRET, or the file that TANDEM_SECRET_FILE names",
        repr=False,
    )
    tls: PeerTlsSettings | None = option(
        optional(dict_of(PeerTlsSettings)), None, "mutual TLS between the edge and the stacks"
    )
    sticky: bool = option(
        readers.flag, False, "pass the requests of a client to the same ASGI server, by its address"
    )
