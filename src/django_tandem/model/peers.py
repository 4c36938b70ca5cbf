"""Addresses that servers listen on, and the peers: stacks on other hosts."""

import ipaddress
from dataclasses import dataclass, field

from django_tandem.model.routes import Stack


def bracketed(host: str) -> str:
    """Return a host as it precedes a port: an IPv6 address is in brackets."""
    return f"[{host}]" if ":" in host else host


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """An address to listen on; ``host`` is an IP address without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this host reaches it."""
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def local(self) -> "Bind":
        """The address that a client on the same host connects to."""
        any_host = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
        return Bind(host=any_host.get(self.host, self.host), port=self.port)


# Where a stack listens for an edge on another host, unless its BIND names another address.
STACK_PORTS = {Stack.WSGI: 9000, Stack.ASGI: 9001}

# The edge sets it on each request that it passes on; one of a client is overwritten.
SECRET_HEADER = "x-tandem-secret"  # noqa: S105 - the name of a header

# The version of NGINX that resolves the names of an upstream again while it runs.
RESOLVE_VERSION = (1, 27, 3)


def is_loopback(host: str) -> bool:
    """Return whether ``host``, a name or an IP address, is this host alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server of a stack on another host; ``host`` is a name, or an IP address in no brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def is_name(self) -> bool:
        """Whether the host is a name that DNS resolves."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return self.host != "localhost"
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTls:
    """
    PEM files with which the edge and the stacks prove to each other who they are.

    ``name`` is the one in the stacks' certificates, None for the host of the peers.
    """

    certificate: str
    key: str
    ca: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """
    The DNS servers of this machine, each an IP address, and where it looks for short names.

    ``search`` are the domains that follow a name. Without ``has_ipv6``, no other machine is reached
    by IPv6.
    """

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    has_ipv6: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """
    The stacks on other hosts, as an edge proxies to them; a stack without peers runs here.

    The edge sends ``secret`` with each request. With ``is_sticky`` the requests of one client reach
    the same ASGI peer.
    """

    wsgi: tuple[Peer, ...] = ()
    asgi: tuple[Peer, ...] = ()
    secret: str = field(default="", repr=False)
    tls: PeerTls | None = None
    is_sticky: bool = False
    resolver: Resolver = Resolver()

    def of(self, stack: Stack) -> tuple[Peer, ...]:
        """Return the peers of a stack."""
        return self.wsgi if stack is Stack.WSGI else self.asgi

    def __bool__(self) -> bool:
        return bool(self.wsgi or self.asgi)
