"""The roles of a host: which stacks it serves, which it proxies to on others, and their trust."""

from collections.abc import Iterable
from pathlib import PurePath

from django_tandem.errors import SettingError
from django_tandem.model import Bind, Host, Peer, Peers, PeerTls, Role, Roles, Stack
from django_tandem.model.peers import RESOLVE_VERSION, STACK_PORTS, is_loopback
from django_tandem.model.roles import listed_roles
from django_tandem.plan.addresses import binds
from django_tandem.settings import Settings
from django_tandem.settings.peers import PeersSettings, PeerTlsSettings

PEERS = 'TANDEM["PEERS"]'
_TRUST = (
    f'Set {PEERS}["SECRET"], or TANDEM_SECRET or TANDEM_SECRET_FILE in the environment, to the '
    f'same secret on each host; or {PEERS}["TLS"].'
)


def served_here(stacks: Iterable[Stack], roles: Roles) -> tuple[Stack, ...]:
    """Return the stacks that this host serves, of those that the project needs."""
    return tuple(stack for stack in stacks if Role(stack) in roles)


def edge_peers(
    settings: Settings,
    roles: Roles,
    stacks: tuple[Stack, ...],
    host: Host,
    *,
    requires_trust: bool = True,
) -> Peers:
    """
    Return the stacks that the edge of this host proxies to on other hosts.

    Raises SettingError for a stack without a peer, for a peer that this NGINX can't proxy to, and,
    if it ``requires_trust``, for one that is not to be trusted.
    """
    if Role.EDGE not in roles:
        return Peers()
    given = settings.peers
    found = {stack: _of(given, stack) for stack in stacks if Role(stack) not in roles}
    for stack, peers in found.items():
        _require_peers(stack, peers, roles)
        if requires_trust:
            _require_trust(stack, peers, given)
        _require_names(stack, peers, given)
        _require_resolution(stack, peers, given, host)
    return Peers(
        wsgi=found.get(Stack.WSGI, ()),
        asgi=found.get(Stack.ASGI, ()),
        # That of the edge; a stack accepts each.
        secret=next(iter(given.secret.split()), ""),
        tls=_tls(given.tls),
        is_sticky=given.sticky,
        resolver=host.resolver,
    )


def named_peers(settings: Settings) -> Peers:
    """Return the peers that the settings name for any edge, without the secret."""
    given = settings.peers
    return Peers(wsgi=given.wsgi, asgi=given.asgi, tls=_tls(given.tls), is_sticky=given.sticky)


def stack_bind(
    settings: Settings, roles: Roles, stack: Stack, *, requires_trust: bool = True
) -> Bind | None:
    """
    Return where a stack listens for an edge on another host, None for nowhere.

    Raises SettingError for a text that is no address, and, if it ``requires_trust``, for one that
    others reach without SECRET and TLS.
    """
    chosen = _chosen_bind(settings, stack)
    if chosen is None and Role.EDGE in roles:
        return None
    bind = bind_without_edge(settings, stack)
    if requires_trust and not (is_loopback(bind.host) or _is_trusted(settings.peers)):
        option = _bind_option(stack)
        is_given = f'{option} is "{chosen}"' if chosen else f"{stack.upper()} listens on {bind}"
        raise SettingError(
            f"{is_given}, which other hosts reach, and neither SECRET nor TLS of {PEERS} is set.",
            hint=_TRUST,
        )
    return bind


def bind_without_edge(settings: Settings, stack: Stack) -> Bind:
    """Return where a stack listens on a host without the edge; SettingError for no address."""
    return _read(_bind_option(stack), _chosen_bind(settings, stack) or f":{STACK_PORTS[stack]}")


def _chosen_bind(settings: Settings, stack: Stack) -> str | None:
    return settings.wsgi.bind if stack is Stack.WSGI else settings.asgi.bind


def _bind_option(stack: Stack) -> str:
    return f'TANDEM["{stack.upper()}"]["BIND"]'


def stack_tls(settings: Settings, directory: str) -> PeerTls | None:
    """Return the files of a stack that listens for another host, with absolute paths."""
    given = settings.peers.tls
    if given is None:
        return None
    certificate, key, ca = (
        str(PurePath(directory, path)) for path in (given.certificate, given.key, given.ca)
    )
    return PeerTls(certificate=certificate, key=key, ca=ca, name=given.name)


def _of(given: PeersSettings, stack: Stack) -> tuple[Peer, ...]:
    return given.wsgi if stack is Stack.WSGI else given.asgi


def _tls(given: PeerTlsSettings | None) -> PeerTls | None:
    if given is None:
        return None
    return PeerTls(certificate=given.certificate, key=given.key, ca=given.ca, name=given.name)


def _is_trusted(given: PeersSettings) -> bool:
    return bool(given.secret or given.tls)


def _read(option: str, given: str) -> Bind:
    try:
        # A port alone is one of IPv4: two servers in a process have one socket each.
        return binds([given], has_ipv6=False)[0]
    except SettingError as error:
        raise SettingError(
            f'{option} is "{given}", which is not an address.', hint=error.hint
        ) from error


def _require_peers(stack: Stack, peers: tuple[Peer, ...], roles: Roles) -> None:
    if peers:
        return
    name = stack.upper()
    needs = "" if stack is Stack.WSGI else "this project needs ASGI, "
    example = f"{stack}:{STACK_PORTS[stack]}"
    raise SettingError(
        f'The roles are "{listed_roles(roles)}", {needs}and {PEERS}["{name}"] is empty.',
        hint=f'Name the {name} servers there, such as ["{example}"], or add the role {stack}.',
    )


def _require_trust(stack: Stack, peers: tuple[Peer, ...], given: PeersSettings) -> None:
    other = next((peer for peer in peers if not is_loopback(peer.host)), None)
    if other is not None and not _is_trusted(given):
        raise SettingError(
            f'{PEERS}["{stack.upper()}"] has "{other}", which is another host, and neither SECRET '
            f"nor TLS of {PEERS} is set.",
            hint=_TRUST,
        )


def _require_names(stack: Stack, peers: tuple[Peer, ...], given: PeersSettings) -> None:
    """Refuse peers whose certificates have no name that one upstream could verify."""
    hosts = {peer.host for peer in peers}
    if given.tls is None or given.tls.name or (len(hosts) == 1 and peers[0].is_name):
        return
    raise SettingError(
        f'{PEERS}["TLS"] has no NAME, and {PEERS}["{stack.upper()}"] is {_listed(peers)}, with '
        "no host name in common.",
        hint="Set NAME to a name that the certificates of all stacks have.",
    )


def _require_resolution(
    stack: Stack, peers: tuple[Peer, ...], given: PeersSettings, host: Host
) -> None:
    has_names = any(peer.is_name for peer in peers)
    if not has_names:
        return
    if not host.resolver.servers:
        raise SettingError(
            f'{PEERS}["{stack.upper()}"] is {_listed(peers)}, and /etc/resolv.conf names no DNS '
            "server to resolve it.",
            hint="Name IP addresses, or add a nameserver.",
        )
    is_sticky = stack is Stack.ASGI and given.sticky
    if host.nginx.version >= RESOLVE_VERSION or (len(peers) == 1 and not is_sticky):
        return
    version, wanted = (".".join(map(str, each)) for each in (host.nginx.version, RESOLVE_VERSION))
    reason = "balances between names" if len(peers) > 1 else "does so by client, as STICKY says,"
    raise SettingError(
        f'{PEERS}["{stack.upper()}"] is {_listed(peers)}, and NGINX {version} can\'t resolve names '
        f"while it {reason}.",
        hint=f'Use NGINX {wanted} or later, such as that of "django-tandem[bundled]"; or name IP '
        "addresses, or one name that has them all.",
    )


def _listed(peers: tuple[Peer, ...]) -> str:
    return ", ".join(f'"{peer}"' for peer in peers)
