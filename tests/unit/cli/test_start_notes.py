"""Notes at a start: unapplied migrations, and servers of the settings that give no answer."""

import socket
import threading
import time
from dataclasses import replace

import oracle.configured  # noqa: F401 - to import it is to configure Django
import pytest
from checks.managing import installed, manage
from django.test import override_settings

from builders import plan, verdict
from django_tandem.cli.start_notes import (
    ANSWER_S,
    unreachable_redis,
    unread_variables,
    unresolved_peers,
    unused_bind,
)
from django_tandem.model import Role
from django_tandem.model.peers import Peer, Peers
from harness.projects import startproject
from harness.stack import Up, free_port, tandem

REDIS_CACHE = "django.core.cache.backends.redis.RedisCache"


def _notes(*, hosts=(), location=None, embedded=None) -> list[str]:
    layers = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}
    layers["default"]["CONFIG"] = {"hosts": list(hosts)}
    caches = {"default": {"BACKEND": REDIS_CACHE, "LOCATION": location}} if location else {}
    with override_settings(CHANNEL_LAYERS=layers, CACHES=caches):
        return unreachable_redis(embedded)


def test_a_refused_connection_is_named_with_the_settings() -> None:
    """Once for an address, however it is written."""
    port = free_port()
    hosts = [f"redis://127.0.0.1:{port}/0", ("127.0.0.1", port)]

    assert _notes(hosts=hosts, location=f"redis://127.0.0.1:{port}/1") == [
        f'Redis at 127.0.0.1:{port}, for CHANNEL_LAYERS["default"] and CACHES["default"], '
        "can't be reached: Connection refused."
    ]


def test_a_socket_that_does_not_exist_is_named_by_its_path(tmp_path) -> None:
    """The address of the embedded Redis is not: it starts with the stack."""
    url = f"unix://{tmp_path}/redis.sock"

    assert _notes(hosts=[url]) == [
        f'Redis at {tmp_path}/redis.sock, for CHANNEL_LAYERS["default"], can\'t be reached: '
        "No such file or directory."
    ]
    assert _notes(hosts=[url], embedded=url) == []


def test_servers_that_give_no_answer_cost_one_timeout_together() -> None:
    """A frozen Redis accepts connections."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        ports = [each.getsockname()[1] for each in (one, other)]
        began = time.monotonic()
        found = _notes(hosts=[("127.0.0.1", port) for port in ports])
        took_s = time.monotonic() - began

    assert found == [
        f'Redis at 127.0.0.1:{port}, for CHANNEL_LAYERS["default"], can\'t be reached: '
        "no answer within 1 s."
        for port in ports
    ]
    assert took_s < 2 * ANSWER_S


def test_a_name_of_a_peer_that_does_not_resolve_is_named_once() -> None:
    """Addresses are not looked up, nor is a name where another host has the edge."""
    peers = Peers(
        wsgi=(Peer(host="nosuch.invalid", port=9000), Peer(host="127.0.0.1", port=9000)),
        asgi=(Peer(host="nosuch.invalid", port=9001), Peer(host="::1", port=9001)),
    )
    edge = replace(plan(), peers=peers, roles=frozenset({Role.EDGE}))

    (note,) = unresolved_peers(edge)

    assert note.startswith('The name nosuch.invalid of TANDEM["PEERS"] does not resolve: ')
    assert note.endswith(
        ". The edge retries the lookup, and responds with 502 or 503 until it succeeds."
    )
    assert unresolved_peers(replace(edge, roles=frozenset({Role.WSGI}))) == []


@pytest.mark.parametrize("answer", [b"+PONG\r\n", b"-NOAUTH Authentication required.\r\n"])
def test_any_answer_is_one(answer) -> None:
    """Whether a password is right is the project's business."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reply() -> None:
            with server.accept()[0] as connection:
                connection.recv(64)
                connection.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        found = _notes(hosts=[server.getsockname()])
        thread.join()

    assert found == []


def test_what_is_no_address_of_a_redis_is_left_alone() -> None:
    """Such as Sentinel, which names the server at run time."""
    sentinel = {"sentinels": [("127.0.0.1", 1)], "master_name": "mymaster"}

    assert _notes(hosts=[sentinel, 7, "memcached://127.0.0.1:1"]) == []


@pytest.mark.processes
def test_a_stack_starts_without_its_redis(tmp_path) -> None:
    """The line is on stderr, and the stack becomes ready."""
    port = free_port()
    project = startproject(tmp_path)
    caches = {"default": {"BACKEND": REDIS_CACHE, "LOCATION": f"redis://127.0.0.1:{port}"}}
    (project / "mysite" / "settings.py").open("a").write(f"\nCACHES = {caches!r}\n")

    with Up(project) as up:
        assert (
            f'Redis at 127.0.0.1:{port}, for CACHES["default"], can\'t be reached: '
            "Connection refused.\n"
        ) in up.output


pytestmark = pytest.mark.processes

SILENT_DATABASE = """
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1",
    "PORT": %d, "NAME": "shop", "USER": "shop", "PASSWORD": "shop"}}
"""


@pytest.fixture
def taken():
    """An address that is in use, so that a start ends before it starts anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_unapplied_migrations_are_listed_until_they_are_applied(taken, tmp_path) -> None:
    """A database file that does not exist is not made for it."""
    project = installed(tmp_path)
    before = tandem(project, "up", "--bind", taken)
    exists = (project / "db.sqlite3").exists()
    manage(project, "migrate")
    after = tandem(project, "up", "--bind", taken)

    assert not exists
    assert (
        " unapplied migrations, in admin, auth, contenttypes, sessions. "
        "Run `python manage.py migrate`.\n"
    ) in before.stderr
    assert "unapplied" not in after.stderr
    assert f"{taken} is in use by another program.\n" in after.stderr


def test_a_database_that_does_not_answer_delays_no_start(taken, tmp_path) -> None:
    """It may come up later than this stack."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        project = installed(tmp_path, SILENT_DATABASE % silent.getsockname()[1])
        done = tandem(project, "up", "--bind", taken)

    assert "unapplied" not in done.stderr
    assert f"{taken} is in use by another program.\n" in done.stderr


def test_an_edge_alone_connects_to_no_database(taken, tmp_path) -> None:
    """It uses none, and a firewall may keep it from them."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        project = installed(tmp_path, SILENT_DATABASE % silent.getsockname()[1])
        settings = project / "mysite" / "settings.py"
        settings.open("a").write('\nTANDEM = {"PEERS": {"WSGI": ["127.0.0.1:9000"]}}\n')
        done = tandem(project, "up", "--role", "edge", "--bind", taken)

        assert f"{taken} is in use by another program.\n" in done.stderr
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_options_of_servers_in_the_environment_are_named() -> None:
    """The servers get none of them; those of a Service of Kubernetes are no options."""
    service = {
        "UVICORN_SERVICE_HOST": "10.0.0.7",
        "UVICORN_SERVICE_PORT_HTTP": "80",
        "UVICORN_PORT": "tcp://10.0.0.7:80",
        "UVICORN_PORT_80_TCP": "tcp://10.0.0.7:80",
        "UVICORN_PORT_80_TCP_ADDR": "10.0.0.7",
    }

    assert unread_variables(service) == []
    assert unread_variables({**service, "UVICORN_LOG_LEVEL": "debug", "SHOP": "1"}) == [
        "The servers do not read UVICORN_LOG_LEVEL: write its option in ARGS of "
        'TANDEM["WSGI"] or TANDEM["ASGI"].'
    ]
    assert unread_variables({"UVICORN_PORT": "80", "GRANIAN_HTTP": "2"}) == [
        "The servers do not read GRANIAN_HTTP and UVICORN_PORT: write their options in ARGS of "
        'TANDEM["WSGI"] or TANDEM["ASGI"].'
    ]


def test_an_address_without_an_edge_is_named() -> None:
    """Only the edge listens on --bind; BIND of the settings is the same on all hosts."""
    peers = {"BIND": ":8000", "PEERS": {"WSGI": ["10.0.0.5:9000"], "SECRET": "s" * 32}}

    def notes(roles: str, bind: str | None) -> list[str]:
        made = plan(verdict("/"), roles=roles, tandem=peers)
        return unused_bind(replace(made, overrides=replace(made.overrides, bind=bind)))

    assert notes("wsgi", ":8737") == [
        "`--bind :8737` has no effect: it is the address of the edge, and the roles of this host "
        "are wsgi."
    ]
    assert notes("wsgi", None) == []
    assert notes("edge", ":8737") == notes("all", ":8737") == []
