"""TANDEM["PEERS"]: the stacks on other hosts, and how the edge and they trust each other."""

from dataclasses import dataclass

from django_tandem.model import Peer
from django_tandem.settings import peer_readers, readers
from django_tandem.settings.options import REQUIRED, dict_of, option
from django_tandem.settings.readers import optional


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
        peer_readers.peers, [], 'the WSGI servers for an edge without one, such as "wsgi:9000"'
    )
    asgi: tuple[Peer, ...] = option(
        peer_readers.peers, [], 'the ASGI servers for an edge without one, such as "asgi:9001"'
    )
    secret: str = option(
        peer_readers.secret,
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
