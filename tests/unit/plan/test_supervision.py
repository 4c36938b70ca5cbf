"""A role that is one process runs without supervisord; everything else with it."""

from typing import Any

import pytest

from builders import plan, verdict, websocket
from django_tandem.errors import SettingError
from django_tandem.model import Plan
from django_tandem.render import supervisor

SECRET = "0123456789abcdef0123456789abcdef"
PEERS = {"WSGI": ["10.0.0.5:9000"], "ASGI": ["10.0.0.6:9001"], "SECRET": SECRET}


def of(roles: str, *, channels: tuple[str, ...] = (), **tandem: Any) -> Plan:
    """The plan of these roles of a project with a WebSocket."""
    found: Plan = plan(
        verdict("/"),
        websocket("/ws/"),
        roles=roles,
        channel_names=channels,
        tandem={"PEERS": PEERS, **tandem},
    )
    return found


@pytest.mark.parametrize(
    ("found", "program"),
    [
        (of("edge"), "nginx"),
        (of("wsgi"), "wsgi-1"),
        (of("asgi"), "asgi-1"),
        (of("workers", channels=("mail",)), "channels-1"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_role_that_is_one_process_is_that_process(found, program) -> None:
    """Which an orchestrator starts, probes and stops."""
    assert [each.program for each in found.processes] == [program]
    assert not found.is_supervised
    assert found.has_monitor


@pytest.mark.parametrize(
    "found",
    [
        of("all"),
        of("edge,wsgi"),
        of("wsgi", WSGI={"SERVER": "granian"}),
        of("asgi", SHARED_MASTER=False),
        of("workers", channels=("mail",), PROGRAMS={"mail": "mailer"}),
        of("workers", PROGRAMS={"mail": "mailer"}),
    ],
    ids=["all", "two roles", "another server", "a setting", "two workers", "a program"],
)
def test_supervisord_runs_everything_else(found) -> None:
    """Several processes, other servers, and programs that may not handle SIGTERM as process 1."""
    assert found.is_supervised


def test_a_stack_alone_is_a_master_that_stops_by_itself() -> None:
    """With the times of a stop, on its socket and its address, and with logs on its streams."""
    (process,) = of("asgi", STOP_S=20, STOP_DELAY_S=5).processes
    line = process.argv

    assert {"--stop=20", "--stop-delay=5", "--stack=asgi", "--asgi-bind=0.0.0.0:9001"} <= set(line)
    assert "--uds=/srv/project/.tandem/asgi-1.sock" in line
    assert dict(process.environment)["TANDEM_UNSUPERVISED"] == "1"
    assert "TANDEM_UNSUPERVISED" not in dict(of("edge,asgi").processes[1].environment)


def test_a_bound_of_recycling_holds_for_a_stack_alone() -> None:
    """Its master replaces workers as that of both stacks does."""
    (process,) = of("wsgi", RECYCLE={"REQUESTS": 1000}).processes

    assert "--recycle-requests=1000" in process.argv


def test_the_secret_is_in_no_argument() -> None:
    """Any user of the host may read those."""
    (process,) = of("wsgi").processes

    assert not any(SECRET in argument for argument in process.argv)
    assert dict(process.environment)["TANDEM_PEER_SECRET"] == SECRET


def test_tls_reaches_the_server_by_its_environment() -> None:
    """As files; those of Gunicorn's own options would be for the Unix socket, too."""
    tls = {"CERTIFICATE": "tls/host.pem", "KEY": "tls/host.key", "CA": "/etc/ca.pem"}
    (process,) = of("wsgi", PEERS={"TLS": tls}).processes

    assert dict(process.environment)["TANDEM_PEER_TLS"] == (
        "certificate=%2Fsrv%2Fproject%2Ftls%2Fhost.pem&key=%2Fsrv%2Fproject%2Ftls%2Fhost.key"
        "&ca=%2Fetc%2Fca.pem"
    )


def test_nothing_is_rendered_for_a_supervisord_that_does_not_run() -> None:
    """The state is, which the commands read."""
    assert [file.name for file in supervisor.render(of("wsgi"))] == ["state.json", "monitor.conf"]


def test_a_server_of_one_address_serves_an_edge_elsewhere() -> None:
    """On this host the edge needs the socket."""
    granian = {"SERVER": "granian", "BIND": ":9000"}
    (kind,) = of("wsgi", WSGI=granian).processes[1].kinds
    assert (kind.socket, str(kind.bind)) == (None, "0.0.0.0:9000")

    with pytest.raises(SettingError) as raised:
        of("edge,wsgi", WSGI=granian)

    assert str(raised.value) == (
        'TANDEM["WSGI"]["BIND"] is "0.0.0.0:9000", and granian listens there or on the socket of '
        "this host's edge.\n"
        "  Remove it, choose another server, or run the edge on another host."
    )


def test_an_edge_alone_ends_within_its_stop() -> None:
    """With its delay, also if a WebSocket is open; a reload has longer."""
    alone, beside = (
        of("edge", STOP_S=20, STOP_DELAY_S=5),
        of("edge,workers", STOP_S=20, PROGRAMS={"mail": "mailer"}),
    )

    assert alone.edge.worker_shutdown_timeout_s == 15
    assert beside.edge.worker_shutdown_timeout_s == 30 + 40
