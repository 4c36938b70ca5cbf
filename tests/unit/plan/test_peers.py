"""What a host of some roles runs, where its stacks listen, and which peers it refuses."""

from typing import Any

import pytest

from builders import WHEEL, host, plan, verdict, websocket
from django_tandem import environment
from django_tandem.errors import SettingError
from django_tandem.model import Bind, Peer, Plan, Resolver, Stack

SECRET = "0123456789abcdef0123456789abcdef"
DNS = Resolver(servers=("10.0.0.2",))
PEERS = {"WSGI": ["10.0.0.5:9000"], "ASGI": ["10.0.0.6:9001"], "SECRET": SECRET}
TRUST = (
    '  Set TANDEM["PEERS"]["SECRET"], or TANDEM_SECRET or TANDEM_SECRET_FILE in the environment, '
    'to the same secret on each host; or TANDEM["PEERS"]["TLS"].'
)
TLS = {"CERTIFICATE": "tls/host.pem", "KEY": "tls/host.key", "CA": "/etc/ca.pem"}


def of(roles: str, peers: dict[str, Any] | None = None, **changes: Any) -> Plan:
    """The plan of a project that needs both stacks and a Channels worker, for a host of roles."""
    tandem = {"PEERS": PEERS if peers is None else peers, **changes.pop("tandem", {})}
    made = {"roles": roles, "tandem": tandem, "channel_names": ("mail",), **changes}
    return plan(verdict("/"), websocket("/ws/"), **made)


def names(planned: Plan) -> list[str]:
    return [process.name for process in planned.processes if process.name != "monitor"]


def error_of(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(SettingError) as error:
        of(*args, **kwargs)
    return str(error.value)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ("all", ["master", "nginx"]),
        ("edge", ["nginx"]),
        ("edge,wsgi", ["wsgi", "nginx"]),
        ("edge,wsgi,asgi", ["master", "nginx"]),
        ("wsgi", ["wsgi"]),
        ("asgi", ["asgi"]),
        ("workers", ["channels", "mail"]),
        ("asgi,workers", ["asgi", "channels", "mail"]),
    ],
)
def test_a_host_runs_the_processes_of_its_roles(roles, expected) -> None:
    """Channels workers and the programs of the settings are those of `workers`."""
    programs = {} if "workers" not in roles else {"PROGRAMS": {"mail": "mailer"}}

    assert names(of(roles, tandem=programs)) == expected


def test_a_master_without_the_role_has_no_channels_worker() -> None:
    """The kinds of its workers are roles, too."""
    (master,) = [each for each in of("edge,wsgi,asgi").processes if each.is_master]

    assert [kind.name for kind in master.kinds] == ["wsgi", "asgi"]


def test_each_host_has_the_monitor() -> None:
    """It counts what its own processes do; a process without supervisord starts it itself."""
    several = ("edge,wsgi", "wsgi,asgi", "asgi,workers")
    assert all(of(roles).processes[0].name == "monitor" for roles in several)
    assert of("wsgi").has_monitor


def test_a_stack_listens_for_an_edge_that_is_another_host() -> None:
    """Beside its socket; with the edge on the same host, on that alone."""
    assert of("wsgi").stack_binds == {Stack.WSGI: Bind(host="0.0.0.0", port=9000)}
    assert of("asgi").stack_binds == {Stack.ASGI: Bind(host="0.0.0.0", port=9001)}
    assert of("edge,wsgi,asgi").stack_binds == of("all").stack_binds == {}
    assert of("wsgi").served[Stack.WSGI].socket == "/srv/project/.tandem/wsgi-1.sock"


def test_bind_says_where_a_stack_listens() -> None:
    """Also beside an edge on the same host."""
    planned = of("edge,wsgi", tandem={"WSGI": {"BIND": "[::1]:9005"}})

    assert planned.stack_binds == {Stack.WSGI: Bind(host="::1", port=9005)}


def test_an_edge_proxies_to_peers_where_it_has_no_stack() -> None:
    """Its own stack takes precedence over its peers."""
    alone, with_wsgi = of("edge").edge.peers, of("edge,wsgi").edge.peers

    assert (alone.wsgi, alone.asgi) == (
        (Peer(host="10.0.0.5", port=9000),),
        (Peer(host="10.0.0.6", port=9001),),
    )
    assert (with_wsgi.wsgi, with_wsgi.asgi) == ((), alone.asgi)
    assert not of("all").edge.peers
    assert alone.secret == SECRET
    assert SECRET not in repr(alone)


def test_the_stacks_that_the_project_needs_are_the_same_on_each_host() -> None:
    """The rules of the edge and the handover do not depend on where a stack runs."""
    for roles in ("all", "edge", "edge,wsgi"):
        assert of(roles).edge.stacks == (Stack.WSGI, Stack.ASGI)
        assert of(roles).edge.handover
        assert of(roles).edge.rules == of("all").edge.rules


def test_a_server_gets_the_secret_in_its_environment_alone() -> None:
    """Not in a command line, which every user of the host may read."""
    for roles in ("all", "wsgi", "asgi"):
        for process in of(roles).processes:
            secret = dict(process.environment).get(environment.PEER_SECRET)
            assert secret == (SECRET if process.stacks else None)
            assert not any(SECRET in argument for argument in process.argv)


def test_an_edge_sends_the_first_of_several_secrets() -> None:
    """And a stack accepts each, so that no request fails while hosts get a new one."""
    new = SECRET.swapcase()
    given = {**PEERS, "SECRET": f"{new} {SECRET}"}

    assert of("edge", given).edge.peers.secret == new
    (process,) = [each for each in of("wsgi", given).processes if each.stacks]
    assert dict(process.environment)[environment.PEER_SECRET] == f"{new} {SECRET}"


def test_an_edge_needs_a_server_of_each_stack() -> None:
    """On its host or on another one."""
    assert error_of("edge", {"SECRET": SECRET}) == (
        'The roles are "edge", and TANDEM["PEERS"]["WSGI"] is empty.\n'
        '  Name the WSGI servers there, such as ["wsgi:9000"], or add the role wsgi.'
    )
    assert error_of("edge,wsgi", {"SECRET": SECRET}) == (
        'The roles are "edge,wsgi", this project needs ASGI, and TANDEM["PEERS"]["ASGI"] is '
        "empty.\n"
        '  Name the ASGI servers there, such as ["asgi:9001"], or add the role asgi.'
    )


def test_a_project_without_asgi_needs_no_peer_of_it() -> None:
    """Nor is one that is named of any use."""
    planned = plan(verdict("/"), roles="edge", tandem={"PEERS": PEERS})

    assert planned.edge.peers.asgi == ()


def test_a_peer_on_another_host_is_to_be_trusted() -> None:
    """On the loopback interface there is nobody else."""
    given = {"WSGI": ["127.0.0.1:9000"], "ASGI": ["localhost:9001", "10.0.0.6:9001"]}

    assert error_of("edge", given) == (
        'TANDEM["PEERS"]["ASGI"] has "10.0.0.6:9001", which is another host, and neither SECRET '
        f'nor TLS of TANDEM["PEERS"] is set.\n{TRUST}'
    )
    assert of("edge", {**given, "ASGI": ["[::1]:9001"]}).edge.peers


def test_a_stack_that_other_hosts_reach_trusts_no_one_without_a_secret() -> None:
    """The sentence names the setting if there is one."""
    assert error_of("wsgi", {}) == (
        "WSGI listens on 0.0.0.0:9000, which other hosts reach, and neither SECRET nor TLS of "
        f'TANDEM["PEERS"] is set.\n{TRUST}'
    )
    assert error_of("asgi", {}, tandem={"ASGI": {"BIND": "10.0.0.6:9001"}}) == (
        'TANDEM["ASGI"]["BIND"] is "10.0.0.6:9001", which other hosts reach, and neither SECRET '
        f'nor TLS of TANDEM["PEERS"] is set.\n{TRUST}'
    )
    assert of("wsgi", {}, tandem={"WSGI": {"BIND": "localhost:9000"}}).stack_binds


def test_with_tls_no_secret_is_needed() -> None:
    """The files of a server are absolute, as it runs in the project's directory."""
    planned = of(
        "edge",
        {"WSGI": ["10.0.0.5:9000"], "ASGI": ["10.0.0.6:9001"], "TLS": {**TLS, "NAME": "stacks"}},
    )

    assert planned.edge.peers.tls is not None
    assert of("wsgi", {"TLS": TLS}).stack_binds


def test_tls_needs_one_name_for_the_peers_of_a_stack() -> None:
    """An IP address is no name of a certificate that NGINX could verify."""
    given = {"WSGI": ["a:9000", "b:9000"], "ASGI": ["asgi:9001"], "TLS": TLS}
    on = host(nginx=WHEEL, resolver=DNS)

    assert error_of("edge", given, on=on) == (
        'TANDEM["PEERS"]["TLS"] has no NAME, and TANDEM["PEERS"]["WSGI"] is "a:9000", "b:9000", '
        "with no host name in common.\n"
        "  Set NAME to a name that the certificates of all stacks have."
    )
    assert "has no NAME" in error_of("edge", {**given, "WSGI": ["10.0.0.5:9000"]}, on=on)
    assert of("edge", {**given, "WSGI": ["wsgi:9000", "wsgi:9001"]}, on=on).edge.peers.wsgi


def test_an_old_nginx_resolves_one_name_a_stack() -> None:
    """The message has the version that resolves more, and other ways out."""
    given = {"WSGI": ["a:9000", "b:9000"], "ASGI": ["asgi:9001"], "SECRET": SECRET}

    assert error_of("edge", given, on=host(resolver=DNS)) == (
        'TANDEM["PEERS"]["WSGI"] is "a:9000", "b:9000", and NGINX 1.22.1 can\'t resolve names '
        "while it balances between names.\n"
        '  Use NGINX 1.27.3 or later, such as that of "django-tandem[bundled]"; or name IP '
        "addresses, or one name that has them all."
    )
    assert of("edge", given, on=host(nginx=WHEEL, resolver=DNS)).edge.peers
    one = {**given, "WSGI": ["wsgi:9000"]}
    assert of("edge", one, on=host(resolver=DNS)).edge.peers
    assert "as STICKY says" in error_of("edge", {**one, "STICKY": True}, on=host(resolver=DNS))


def test_a_name_needs_a_dns_server() -> None:
    """NGINX reads neither /etc/hosts nor the resolver's defaults."""
    given = {**PEERS, "WSGI": ["wsgi:9000"]}

    assert error_of("edge", given) == (
        'TANDEM["PEERS"]["WSGI"] is "wsgi:9000", and /etc/resolv.conf names no DNS server to '
        "resolve it.\n"
        "  Name IP addresses, or add a nameserver."
    )


def test_roles_that_the_project_has_no_use_for_are_refused() -> None:
    """Nothing would run."""
    with pytest.raises(SettingError) as no_asgi:
        plan(verdict("/"), roles="asgi", tandem={"PEERS": PEERS})
    with pytest.raises(SettingError) as no_workers:
        plan(verdict("/"), roles="workers", tandem={"PEERS": PEERS})

    assert str(no_asgi.value) == (
        'The roles are "asgi", and nothing in this project needs ASGI.\n'
        '  Pin a route to it, or set TANDEM["ASGI"]["ALWAYS"] to True.'
    )
    assert str(no_workers.value) == (
        'The roles are "workers", and this project has neither Channels workers nor PROGRAMS.\n'
        '  Name some in TANDEM["CHANNEL_WORKERS"] or TANDEM["PROGRAMS"].'
    )


def test_recycle_needs_a_master() -> None:
    """Both stacks of a host have one, and so has a stack that is its only role."""
    recycle = {"RECYCLE": {"AGE": "1h"}}

    assert error_of("edge,wsgi", tandem=recycle) == (
        'TANDEM["RECYCLE"] is for the shared master, and the roles are "edge,wsgi", with a single '
        "stack.\n"
        "  Remove it, or run that stack as the only role of a host, or both stacks on this one."
    )
    for roles in ("all", "wsgi", "asgi", "wsgi,asgi", "edge"):
        assert of(roles, tandem=recycle).processes


def test_two_servers_of_a_host_do_not_listen_at_one_place() -> None:
    """Nor does the monitor where a stack does."""
    assert error_of("wsgi,asgi", tandem={"ASGI": {"BIND": ":9000"}}) == (
        'TANDEM["ASGI"]["BIND"] is "0.0.0.0:9000", where the WSGI server listens.\n'
        "  Choose another port."
    )
    assert error_of("asgi", tandem={"METRICS": "127.0.0.1:9001"}) == (
        'TANDEM["METRICS"] is "127.0.0.1:9001", where the ASGI server listens.\n'
        "  Choose another port."
    )


def test_the_limit_of_open_files_is_noted_where_nginx_runs() -> None:
    """It is about NGINX alone."""
    machine = host(open_files=1024)
    noted = [
        any("NGINX" in note for note in of(each, on=machine).notes) for each in ("edge", "asgi")
    ]

    assert noted == [True, False]


def test_tls_needs_the_shared_master_in_front_of_gunicorn_and_uvicorn() -> None:
    """It runs for both stacks, and for one that is the only role."""
    tls = {**PEERS, "SECRET": "", "TLS": {**TLS, "NAME": "stacks"}}
    assert error_of("asgi,workers", tls) == (
        'TANDEM["PEERS"]["TLS"] is set, and uvicorn requires no certificate of its clients.\n'
        '  Set TANDEM["PEERS"]["SECRET"] instead, or choose gunicorn for WSGI, hypercorn for ASGI, '
        "or gunicorn and uvicorn with SHARED_MASTER, which runs where a stack is the only role of "
        "a host, or both stacks are on it."
    )
    for roles in ("asgi", "wsgi,asgi", "wsgi,asgi,workers"):
        assert of(roles, tls).processes


def test_a_bind_that_is_no_address_is_an_error() -> None:
    """It names the setting and its value."""
    assert error_of("wsgi", tandem={"WSGI": {"BIND": "web"}}) == (
        'TANDEM["WSGI"]["BIND"] is "web", which is not an address.\n'
        '  Give an IP address and a port, such as "127.0.0.1:8000", "[::1]:8000" or ":8000".'
    )


def test_a_host_without_an_edge_has_no_url() -> None:
    """What listens is the address of its stack."""
    assert of("wsgi").url == ""
    assert [str(each) for each in of("wsgi").addresses] == ["0.0.0.0:9000"]
    assert [str(each) for each in of("edge").addresses] == ["127.0.0.1:8000"]


def test_the_notes_say_where_the_rest_is() -> None:
    """On one host there is nothing to say."""
    assert of("edge,wsgi").notes[:2] == (
        "The roles of this host are edge,wsgi.",
        "ASGI is served by 10.0.0.6:9001.",
    )
    assert of("wsgi").notes[0] == "The roles of this host are wsgi."
    assert not any("role" in note for note in of("all").notes)


def test_a_stack_behind_a_gateway_needs_no_secret() -> None:
    """It trusts nothing that a gateway sends, and hands nothing over."""
    (process,) = of("wsgi", peers={}, is_direct=True, tandem={"MONITOR": False}).processes

    known = dict(process.environment)
    assert known[environment.GATEWAY] == "direct"
    assert environment.HANDOVER not in known
    assert process.kinds[0].bind == Bind(host="0.0.0.0", port=9000)


def test_a_stack_behind_a_gateway_asks_for_no_secret() -> None:
    """A gateway could only have it where its routes are kept, which many may read."""
    planned = of("asgi", is_direct=True)

    assert SECRET not in str([process.environment for process in planned.processes])
    assert (
        "Requests come from a gateway, whose headers are trusted as Django's settings say."
        in planned.notes
    )


@pytest.mark.parametrize("roles", ["all", "edge,wsgi"])
def test_an_edge_is_no_stack_behind_a_gateway(roles) -> None:
    """Its stacks would not trust it."""
    assert error_of(roles, is_direct=True) == (
        f'TANDEM_GATEWAY is "direct", and the roles are "{roles}", which have an edge.\n'
        "  Name roles without one, such as `--role wsgi`, or unset TANDEM_GATEWAY."
    )
