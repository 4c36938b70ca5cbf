"""How nginx.conf reaches each stack: by its Unix socket, or by its peers on other hosts."""

from collections.abc import Iterator
from dataclasses import dataclass

from django_tandem.model import Edge, Peer, Peers, Resolver, Stack
from django_tandem.model.peers import RESOLVE_VERSION, bracketed

RESOLVE = " resolve"
# The method `hash` of an upstream takes the peer at this position for such a text, by its CRC-32:
# the same one for all requests. Each text is an attempt at another peer.
TURNS = ("ob", "ejua", "bnql")
# Docker's DNS server, which knows the names of containers without a domain.
DOCKER_DNS = "127.0.0.11"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """
    One more attempt at a request that no peer has taken yet: in ``location``, by ``url``.

    ``failures`` are the connect times of the attempts before, as NGINX writes them. ``turn`` is
    the text that chooses a peer by its position, for a ``url`` that does so. A short attempt has
    half the time.
    """

    location: str
    url: str
    failures: str
    turn: str = ""
    is_short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """
    One stack, as the locations of nginx.conf pass requests to it.

    ``url`` is what follows `proxy_pass`; by ``any_url``, also a peer that has just failed is tried.
    They are the same for a Unix socket, which has no ``servers``. An older NGINX resolves ``name``,
    a host and a port, for each request instead. ``tls_name`` is the name in the peers'
    certificates, empty without TLS.
    """

    stack: Stack
    url: str
    any_url: str
    servers: tuple[str, ...] = ()
    name: str = ""
    tls_name: str = ""
    is_sticky: bool = False

    @property
    def has_peers(self) -> bool:
        """Whether the stack is on other hosts."""
        return bool(self.servers or self.name)

    @property
    def retries(self) -> tuple[Retry, ...]:
        """
        The further attempts at a request, in their order.

        A single IP address may be that of a load balancer. Of several peers, all may have been
        marked as failed when one of them is back: then any is tried, and at last each of three by
        its position. All requests share the round-robin of `any`, so a single request may get
        a dead peer at each attempt.
        """
        return tuple(
            Retry(
                location=f"@tandem_{name}_{self.stack}",
                url=url,
                failures=" : ".join("-" * count),
                turn=turn,
                is_short=count > 1,
            )
            for count, (name, url, turn) in enumerate(self._attempts(), start=1)
        )

    @property
    def all_failed(self) -> str:
        """The connect times of all attempts, where each has failed."""
        return " : ".join("-" * (len(self.retries) + 1))

    @property
    def has_names(self) -> bool:
        """Whether NGINX resolves servers of the upstream, each to one address or several."""
        return any(server.endswith(RESOLVE) for server in self.servers)

    @property
    def has_turns(self) -> bool:
        """Whether the peers have positions: those of a variable have none."""
        return bool(self.servers) and not self.is_single

    @property
    def is_one_name(self) -> bool:
        """Whether there is one name, which may have a single address."""
        return self.has_names and len(self.servers) == 1

    @property
    def is_single(self) -> bool:
        """Whether there is one peer, an IP address."""
        return len(self.servers) == 1 and not self.has_names

    @property
    def turn_url(self) -> str:
        """What follows `proxy_pass` for a peer by its position."""
        return f"{self.url}_turn"

    def _attempts(self) -> Iterator[tuple[str, str, str]]:
        """Yield the name, the URL and the turn of each further attempt."""
        yield ("again", self.url, "")
        if not self.is_single:
            yield ("any", self.any_url, "")
        if self.name:
            yield ("last", self.any_url, "")
        if self.has_turns:
            turns = TURNS if self.has_names else TURNS[: len(self.servers)]
            for number, turn in enumerate(turns, start=1):
                yield (f"turn{number}", self.turn_url, turn)


def upstreams(edge: Edge) -> dict[str, Upstream]:
    """Return each stack that the edge passes requests to, by its name."""
    return {stack.value: _upstream(edge, stack) for stack in edge.stacks}


def dns_servers(edge: Edge) -> list[str]:
    """Return the DNS server that resolves the names of the peers; none where there is no name."""
    peers = edge.peers
    if not any(peer.is_name for peer in (*peers.wsgi, *peers.asgi)):
        return []
    # NGINX asks several in turn. The C library asks the next one only where the first is silent, so
    # that the next may not know the names of a network of containers.
    return [bracketed(each) for each in peers.resolver.servers[:1]]


def full_name(host: str, resolver: Resolver) -> str:
    """Return a name with its domain, since NGINX itself searches none."""
    if "." in host or not resolver.search or DOCKER_DNS in resolver.servers:
        return host
    return f"{host}.{resolver.search[0].rstrip('.')}"


def _upstream(edge: Edge, stack: Stack) -> Upstream:
    peers = edge.peers.of(stack)
    if not peers:
        return Upstream(stack=stack, url=f"http://tandem_{stack}", any_url=f"http://tandem_{stack}")
    scheme = "https" if edge.peers.tls else "http"
    has_name = any(peer.is_name for peer in peers)
    by_variable = has_name and edge.nginx.version < RESOLVE_VERSION and len(peers) == 1
    place = f"{scheme}://$tandem_{stack}_peer" if by_variable else f"{scheme}://tandem_{stack}"
    return Upstream(
        stack=stack,
        url=place,
        any_url=place if by_variable else f"{place}_any",
        servers=() if by_variable else tuple(_servers(edge, peers)),
        name=_address(peers[0], edge.peers.resolver) if by_variable else "",
        tls_name=_tls_name(edge.peers, peers[0]),
        is_sticky=edge.peers.is_sticky and stack is Stack.ASGI,
    )


def _servers(edge: Edge, peers: tuple[Peer, ...]) -> Iterator[str]:
    can_resolve = edge.nginx.version >= RESOLVE_VERSION
    for peer in peers:
        resolve = RESOLVE if peer.is_name and can_resolve else ""
        yield f"{_address(peer, edge.peers.resolver)}{resolve}"


def _address(peer: Peer, resolver: Resolver) -> str:
    if not peer.is_name:
        return str(peer).replace("localhost:", "127.0.0.1:")
    return f"{full_name(peer.host, resolver)}:{peer.port}"


def _tls_name(peers: Peers, first: Peer) -> str:
    return (peers.tls.name or first.host) if peers.tls else ""
