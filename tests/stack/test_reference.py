"""Each part of the reference set-up does what it does there, on the same servers."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import crossplane
import psutil
import pytest

from django_tandem.runtime import supervisord
from stack.asking import Answer, ask, wait_for
from stack.running import Up, tandem

REFERENCE = Path(__file__).parent / "reference"
FIFTY_MB = 50 * 1024 * 1024
JSON = [("Content-Type", "application/json")]
FORWARDED = {
    "Host": "shop.example",
    "X-Real-Ip": "127.0.0.1",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Proto": "http",
}


@dataclass(frozen=True)
class Stack:
    """The reference project as it runs, and the socket that its statistics are sent to."""

    up: Up
    statsd: socket.socket

    def ask(self, target: str, *args: Any) -> Answer:
        return ask(self.up.port, target, *args)

    def pids(self) -> dict[str, int]:
        return {each.name: each.pid for each in supervisord.statuses(self.up.run_dir)}

    def pid(self, program: str) -> int:
        return self.pids()[program]

    def command(self, program: str) -> list[str]:
        return psutil.Process(self.pid(program)).cmdline()


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("reference")
    shutil.copytree(REFERENCE, directory, dirs_exist_ok=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(10)
        port = statsd.getsockname()[1]
        arguments = f"--statsd-host=127.0.0.1:{port} --statsd-prefix=shop"
        environment = {"STATSD_ARGS": arguments, "PYTHONDONTWRITEBYTECODE": "1"}
        with Up(directory, environment=environment) as up:
            yield Stack(up, statsd)


def converse(stack: Stack, path: str, *sent: str, origin: str | None = None) -> list[str]:
    """Open a WebSocket, send each text, and return what came: one more, for the opening."""

    async def run() -> list[str]:
        url = f"{stack.up.url}{path}"
        headers = {"Host": "shop.example"}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, headers=headers, origin=origin) as ws,
        ):
            heard = [await ws.receive_str(timeout=10)]
            for text in sent:
                await ws.send_str(text)
                heard.append(await ws.receive_str(timeout=10))
            return heard

    return asyncio.run(run())


# NGINX in front


def test_nginx_has_a_worker_for_each_cpu_and_at_least_1024_connections_each(stack) -> None:
    """As the reference has it: worker_processes auto, 1024 connections."""
    parsed = crossplane.parse(str(stack.up.run_dir / "nginx.conf"), single=True)["config"][0]
    top = {each["directive"]: each for each in parsed["parsed"]}
    events = {each["directive"]: each["args"] for each in top["events"]["block"]}
    workers = psutil.Process(stack.pid("nginx")).children()

    assert top["worker_processes"]["args"] == ["auto"]
    assert int(events["worker_connections"][0]) >= 1024
    assert len(workers) == os.cpu_count()


def test_the_access_log_is_on_stdout(stack) -> None:
    """One line a request, with the program's name before it."""
    stack.ask("/told/?of=the-access-log")

    line = '127.0.0.1 "GET /told/?of=the-access-log HTTP/1.1" 200'
    wait_for(lambda: f"nginx      | {line}" in stack.up.stdout)


def test_the_error_log_is_on_stdout_too_as_supervisord_has_it(stack) -> None:
    """NGINX writes it to its stderr, and each program's output goes to the container's stdout."""
    stack.ask("/length/", "POST", [("Content-Length", str(2**40))])

    line = "client intended to send too large body: 1099511627776 bytes"
    wait_for(lambda: any(line in said for said in stack.up.stdout.splitlines()))
    error_log = next(said for said in stack.up.stdout.splitlines() if line in said)
    assert error_log.startswith("nginx      | ")


def test_a_body_of_50_mb_is_let_in(stack) -> None:
    """The limit is the largest body there may be."""
    answer = stack.ask("/length/", "POST", (), bytes(FIFTY_MB))

    assert (answer.status, answer.text) == (200, str(FIFTY_MB))


def test_a_larger_body_is_refused_before_it_is_sent(stack) -> None:
    """413 by its length alone, on both stacks."""
    headers = [("Content-Length", str(FIFTY_MB + 1))]

    assert stack.ask("/length/", "POST", headers).status == 413
    assert stack.ask("/ws/length/", "POST", headers).status == 413


# `/` and `/ws/`


def test_the_root_leads_to_wsgi_with_the_headers_set(stack) -> None:
    """Host, X-Real-IP, X-Forwarded-For and X-Forwarded-Proto."""
    told = stack.ask("/", "GET", [("Host", "shop.example")]).json

    assert (told["served_by"], told["path"]) == ("WSGIRequest", "/")
    assert told["headers"] == told["headers"] | FORWARDED


def test_ws_leads_to_asgi_without_its_prefix(stack) -> None:
    """The same view as at /told/, at that path, over HTTP/1.1, with the headers set."""
    told = stack.ask("/ws/told/", "GET", [("Host", "shop.example")]).json

    assert (told["served_by"], told["path"]) == ("ASGIRequest", "/told/")
    assert told["http_version"] == "1.1"
    assert told["headers"] == told["headers"] | FORWARDED


def test_what_follows_the_prefix_stays_as_it_was_written(stack) -> None:
    """Percent-encoding and query included."""
    assert stack.ask("/ws/t%6Fld/?a=%2F").json["path"] == "/told/"
    assert stack.ask("/ws").status == 404


def test_a_websocket_below_ws_is_upgraded_without_its_prefix(stack) -> None:
    """Its route is declared without /ws/, and it gets the headers too."""
    opened, echoed = converse(stack, "/ws/chat/one/", "hello")

    told = json.loads(opened)
    assert (told["path"], echoed) == ("/chat/one/", "echo hello")
    lower = {name.lower(): value for name, value in FORWARDED.items()}
    assert told["headers"] == told["headers"] | lower
    assert told["headers"]["upgrade"] == "websocket"
    assert told["headers"]["connection"].lower() == "upgrade"


def test_a_redirect_is_passed_as_it_is(stack) -> None:
    """`proxy_redirect off`: NGINX would rewrite a location that looks like its upstream's."""
    assert stack.ask("/ws/moved/").headers["Location"] == "http://tandem_asgi/elsewhere/"


# The servers


def test_gunicorn_serves_the_projects_wsgi_application(stack) -> None:
    """Its master is the program, its workers the master's children."""
    told = stack.ask("/told/").json

    assert told["application"] == "project.wsgi"
    assert told["ppid"] == stack.pid("wsgi-1")
    assert "gunicorn" in stack.command("wsgi-1")


def test_gunicorn_takes_statsd_args(stack) -> None:
    """A request is counted at the address that STATSD_ARGS names, under its prefix."""
    stack.ask("/told/")

    def counted() -> bool:
        return b"shop.gunicorn.requests:1|c" in stack.statsd.recv(4096)

    wait_for(counted)


def test_daphne_serves_the_projects_asgi_application(stack) -> None:
    """HTTP and WebSockets, in the one process that is the program."""
    pid = stack.pid("asgi-1")

    assert stack.ask("/ws/told/").json["pid"] == pid
    assert json.loads(converse(stack, "/ws/chat/one/")[0])["pid"] == pid
    assert "django_tandem.asgi.daphne" in stack.command("asgi-1")


def test_the_channels_worker_works_on_background_messages(stack) -> None:
    """Sent by a view on WSGI, worked on by runworker, told to a WebSocket on ASGI."""

    async def run() -> str:
        async with (
            aiohttp.ClientSession(stack.up.url) as session,
            session.ws_connect("/ws/chat/one/") as ws,
        ):
            await ws.receive_str(timeout=10)
            async with session.get("/later/?text=parcel"):
                pass
            return await ws.receive_str(timeout=10)

    assert asyncio.run(run()) == f"parcel done by {stack.pid('channels-1')}"
    assert stack.command("channels-1")[-2:] == ["runworker", "channels"]


# supervisord


def test_supervisord_is_in_the_foreground_with_a_program_for_each_part(stack) -> None:
    """It is the very process that was started, and the parent of all others."""
    top = psutil.Process(stack.up.process.pid)

    assert "supervisor.supervisord" in top.cmdline()
    assert set(stack.pids()) == {"nginx", "wsgi-1", "asgi-1", "channels-1", "valkey"}
    assert {child.pid for child in top.children()} == set(stack.pids().values())


def test_each_programs_output_is_on_stdout_with_its_name(stack) -> None:
    """What the project prints on either stack or in the worker, and NGINX's log."""
    stack.ask("/printed/?text=on-wsgi")
    stack.ask("/ws/printed/?text=on-asgi")
    stack.ask("/later/?text=for-the-worker")

    for line in (
        "wsgi-1     | printed on-wsgi",
        "asgi-1     | printed on-asgi",
        "channels-1 | working on for-the-worker",
        'nginx      | 127.0.0.1 "GET /printed/?text=on-wsgi HTTP/1.1" 200',
    ):
        wait_for(lambda line=line: line in stack.up.stdout)


def test_everything_is_in_one_directory_and_the_environment_in_another(stack) -> None:
    """One listener on TCP, every socket below the run directory, nothing written beside it."""
    directory, port = stack.up.directory, stack.up.port
    running = psutil.Process(stack.up.process.pid).children(recursive=True)
    opened = [each for process in running for each in process.net_connections("all")]

    listening = {each.laddr for each in opened if each.status == psutil.CONN_LISTEN}
    assert listening == {("127.0.0.1", port)}
    bound = {each.laddr for each in opened if each.family == socket.AF_UNIX and each.laddr}
    assert bound
    assert {str(Path(path).parent) for path in bound} == {str(stack.up.run_dir)}
    assert {path.name for path in directory.iterdir()} == {"manage.py", "project", ".tandem"}
    assert not Path(sys.prefix).is_relative_to(directory)


# What is served where


def test_drf_is_served_by_wsgi(stack) -> None:
    """A synchronous endpoint."""
    assert stack.ask("/api/rest/").json == {"served_by": "WSGIRequest"}


def test_graphene_is_served_by_wsgi(stack) -> None:
    """Its execution is synchronous."""
    answer = stack.ask("/graphql/", "POST", JSON, b'{"query": "{ servedBy }"}')

    assert answer.json == {"data": {"servedBy": "WSGIRequest"}}


def test_adrf_is_served_by_asgi(stack) -> None:
    """The advice for REST: an endpoint moves by becoming a coroutine, with nothing to pin."""
    assert stack.ask("/api/async-rest/").json == {"served_by": "ASGIRequest"}


def test_strawberry_is_served_by_asgi(stack) -> None:
    """The advice for GraphQL."""
    answer = stack.ask("/async-graphql/", "POST", JSON, b'{"query": "{ servedBy }"}')

    assert answer.json == {"data": {"servedBy": "ASGIRequest"}}


# The last, for it takes each part away for a moment.


def is_alive(process: psutil.Process) -> bool:
    # One that has ended and is not yet collected, by whoever is process 1 here, is gone too.
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.mark.parametrize("program", ["wsgi-1", "asgi-1", "channels-1", "nginx"])
def test_a_program_that_is_killed_comes_back(stack, program) -> None:
    """With a new pid, doing its work, with nothing of the old one left."""
    killed = psutil.Process(stack.pid(program))
    family = [killed, *killed.children(recursive=True)]
    killed.send_signal(signal.SIGKILL)

    def is_back() -> bool:
        listed = json.loads(tandem(stack.up.directory, "status", "--json").stdout)["processes"]
        now = next(each for each in listed if each["program"] == program)
        return now["state"] == "ready" and now["pid"] != killed.pid

    wait_for(is_back, within_s=20)
    assert [process for process in family if is_alive(process)] == []
    assert stack.ask("/told/").status == stack.ask("/ws/told/").status == 200
