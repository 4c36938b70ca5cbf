"""Envoy, configured from the HTTPRoutes as Envoy Gateway does it, against Django's resolver."""

import http.client
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import oracle.configured  # noqa: F401 - Django, for all of these tests
import pytest
from django.test import override_settings
from gateway.lowered import is_normal, routes_of
from oracle.cases import case_of, colourings, names, settings_of
from oracle.edges import DEADLINE_S, Answer, Client, running
from oracle.resolver import resolve_with_django
from oracle.targets import refusal, targets_of

import builders
from django_tandem.model import Stack
from django_tandem.runtime.host import nginx_from_wheel, read_nginx
from harness.envoy import envoy

# Two stacks that respond with their name, the target as they got it, and a header.
STACKS = """
daemon off; master_process off; pid pid; error_log stderr error;
events {{ worker_connections 256; }}
http {{
    access_log off; merge_slashes off; large_client_header_buffers 4 64k;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{ listen unix:{0}/wsgi; return 200 "wsgi $request_uri $http_x_real_ip"; }}
    server {{ listen unix:{0}/asgi; return 200 "asgi $request_uri $http_x_real_ip";
        add_header X-Asgi $request_uri; }}
}}
"""
# Of the targets of a URLconf, which take five times as long together.
EVERY = 5
LEAST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A URLconf, and the host name that it has in Envoy."""

    host: str
    module: ModuleType


@pytest.fixture(scope="module")
def stacks() -> Iterator[dict[str, Path]]:
    """The sockets of both stacks."""
    program = nginx_from_wheel()
    assert program is not None, "make installs NGINX: run the tests by `make test`"
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        directory = Path(path)
        (directory / "nginx.conf").write_text(STACKS.format(path))
        sockets = {stack.value: directory / stack for stack in Stack}
        with running(read_nginx(program), directory, sockets["asgi"].exists):
            yield sockets


@pytest.fixture(scope="module")
def sites() -> list[Site]:
    """Each URLconf, with each of its views on either stack once."""
    return [
        Site(host=f"site-{number}", module=module)
        for number, module in enumerate(
            module for name in names() for module in list(colourings(name))[:2]
        )
    ]


def _asked(module: ModuleType, *, is_normalizing: bool) -> list[bytes]:
    targets = [target for target in targets_of(module.PATHS) if refusal(target) is None]
    spelled = [target for target in targets if is_normalizing or is_normal(target)]
    return [target for target in spelled if len(target) < 8000][::EVERY]


def _wrong(site: Site, answer: Answer) -> bool:
    """Whether WSGI got a target that Django resolves, as WSGI got it, to a view for ASGI."""
    stack, target, *_ = answer.text.split(" ") if answer.status == 200 else ("", "/")
    resolution = resolve_with_django(site.module.__name__, target.encode())
    return stack == "wsgi" and resolution is not None and resolution.stack is Stack.ASGI


@pytest.mark.parametrize("is_normalizing", [True, False], ids=["normalizing", "as-it-is"])
def test_envoy_sends_no_path_of_asgi_to_wsgi(stacks, sites, is_normalizing) -> None:
    """However it is written, where Envoy normalizes paths; else where its spelling is normal."""
    routes = {}
    for site in sites:
        with override_settings(**settings_of(site.module)):
            routes[site.host] = routes_of(case_of(site.module.__name__).verdicts)
    wrong, served = [], 0
    with envoy(routes, stacks, is_normalizing=is_normalizing) as port:
        for site in sites:
            with (
                override_settings(**settings_of(site.module)),
                closing(Client(port, site.host)) as client,
            ):
                for target in _asked(site.module, is_normalizing=is_normalizing):
                    answer = client.ask(target)
                    served += answer.status == 200
                    if _wrong(site, answer):
                        wrong.append((site.module.__name__, target, answer.text))

    assert wrong == []
    assert served >= LEAST


def _upgraded(port: int, target: bytes) -> str | None:
    """Ask for a WebSocket, and return the target as ASGI got it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    with closing(connection):
        headers = {"Host": "site", "Upgrade": "websocket", "Connection": "Upgrade"}
        connection.request("GET", target.decode(), headers=headers)
        return connection.getresponse().getheader("X-Asgi")


PINS = [("/mcp/health/", "wsgi"), ("/mcp/", "asgi", {"STRIP": True})]


@pytest.fixture(scope="module")
def port(stacks) -> Iterator[int]:
    """Envoy in front of a project with two pins and two routes."""
    verdicts = [builders.verdict("/feed/", Stack.ASGI), builders.verdict("/feed/archive/")]
    routes = {"site": routes_of(verdicts, tandem={"ROUTES": PINS})}
    with envoy(routes, stacks, is_normalizing=True) as found:
        yield found


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (b"/feed/?page=2", "asgi /feed/?page=2 "),
        (b"/feed/archive/", "wsgi /feed/archive/ "),
        (b"/ws/", "wsgi /ws/ "),
        (b"/mcp/tools/?a=b", "asgi /tools/?a=b "),
        (b"/mcp", "asgi / "),
        (b"/mcp/health", "asgi /health "),
        (b"/mcp/health/", "wsgi /mcp/health/ "),
    ],
)
def test_envoy_sends_a_request_by_its_path(port, target, text) -> None:
    """A stripped prefix is removed, and a path that is pinned to WSGI below it stays whole."""
    with closing(Client(port, "site")) as client:
        assert client.ask(target).text == text


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (b"/ws/", "/ws/"),
        (b"/feed/archive/", "/feed/archive/"),
        (b"/mcp/tools/", "/tools/"),
        (b"/mcp/health/x", "/health/x"),
    ],
)
def test_envoy_sends_a_websocket_to_asgi(port, target, text) -> None:
    """By its handshake, on each path."""
    assert _upgraded(port, target) == text


def test_no_client_passes_for_the_edge(port) -> None:
    """Envoy removes the header by which the edge names the client."""
    with closing(Client(port, "site")) as client:
        assert client.ask(b"/", **{"X-Real-IP": "192.0.2.1"}).text == "wsgi / "
