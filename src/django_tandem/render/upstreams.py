"""How nginx.conf reaches each stack: by its Unix socket, or by its peers on other hosts."""

from collections.abc import Iterator
from dataclasses import dataclass

from django_tandem.model import Edge, Peer, Peers, Resolver, Stack

# The version of NGINX that resolves the names of an upstream again while it runs.
RESOLVE_PARAMETER = (1, 27, 3)
# Docker's DNS server, which knows the names of containers without a domain.
DOCKER_DNS = "127.0.0.11"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """
    One stack, as the locations of nginx.conf pass requests to it.

    ``url`` is what follows `proxy_pass`, and ``last_url`` that of a last attempt, by which each
    peer is tried; the same for a Unix socket, which has no ``servers``. An older NGINX resolves
    ``name``, a host and a port, for each request instead. ``tls_name`` is the name in the peers'
    certificates, empty without TLS.
    """

    stack: Stack
    url: str
    last_url: str
    servers: tuple[str, ...] = ()
    name: str = ""
    tls_name: str = ""
    is_sticky: bool = False

    @property
    def has_peers(self) -> bool:
        """Whether the stack is on other hosts."""
        return bool(self.servers or self.name)


def upstreams(edge: Edge) -> dict[str, Upstream]:
    """Return each stack that the edge passes requests to, by its name."""
    return {stack.value: _upstream(edge, stack) for stack in edge.stacks}


def dns_servers(edge: Edge) -> list[str]:
    """Return the DNS servers that resolve the names of the peers; none where there is no name."""
    peers = edge.peers
    if not any(peer.is_name for peer in (*peers.wsgi, *peers.asgi)):
        return []
    return [f"[{each}]" if ":" in each else each for each in peers.resolver.servers]


def full_name(host: str, resolver: Resolver) -> str:
    """Return a name with its domain, since NGINX itself searches none."""
    if "." in host or not resolver.search or DOCKER_DNS in resolver.servers:
        return host
    return f"{host}.{resolver.search[0].rstrip('.')}"


def _upstream(edge: Edge, stack: Stack) -> Upstream:
    peers = edge.peers.of(stack)
    if not peers:
        return Upstream(
            stack=stack, url=f"http://tandem_{stack}", last_url=f"http://tandem_{stack}"
        )
    scheme = "https" if edge.peers.tls else "http"
    has_name = any(peer.is_name for peer in peers)
    by_variable = has_name and edge.nginx.version < RESOLVE_PARAMETER and len(peers) == 1
    place = f"{scheme}://$tandem_{stack}_peer" if by_variable else f"{scheme}://tandem_{stack}"
    return Upstream(
        stack=stack,
        url=place,
        last_url=place if by_variable else f"{place}_any",
        servers=() if by_variable else tuple(_servers(edge, peers)),
        name=_address(peers[0], edge.peers.resolver) if by_variable else "",
        tls_name=_tls_name(edge.peers, peers[0]),
        is_sticky=edge.peers.is_sticky and stack is Stack.ASGI,
    )


def _servers(edge: Edge, peers: tuple[Peer, ...]) -> Iterator[str]:
    can_resolve = edge.nginx.version >= RESOLVE_PARAMETER
    for peer in peers:
        resolve = " resolve" if peer.is_name and can_resolve else ""
        yield f"{_address(peer, edge.peers.resolver)}{resolve}"


def _address(peer: Peer, resolver: Resolver) -> str:
    if not peer.is_name:
        return str(peer).replace("localhost:", "127.0.0.1:")
    return f"{full_name(peer.host, resolver)}:{peer.port}"


def _tls_name(peers: Peers, first: Peer) -> str:
    return (peers.tls.name or first.host) if peers.tls else ""
