"""Both stacks behind Envoy, which leaves paths as they are: each view for ASGI is on ASGI."""

from collections.abc import Iterator
from contextlib import closing

import oracle.configured  # noqa: F401 - Django, for all of these tests
import pytest
from django.test import override_settings
from gateway.lowered import routes_of
from oracle.cases import case_of, module_of
from oracle.edges import Answer, Client
from oracle.resolver import resolve_with_django
from oracle.stacks import stacks
from oracle.targets import refusal, targets_of

from django_tandem.model import Stack
from harness.envoy import envoy

NAME = "async_and_sync_below_one_prefix"
SETTINGS = {"ROOT_URLCONF": f"urlconfs.{NAME}", "FORCE_SCRIPT_NAME": "/app"}
# No header of a request, and no handover: the plan sets the one, and leaves the other out.
ENVIRONMENT = {"TANDEM_GATEWAY": "direct", "TANDEM_HANDOVER": ""}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Envoy in front of Gunicorn and Uvicorn, by the HTTPRoutes of the URLconf."""
    with override_settings(**SETTINGS):
        routes = routes_of(case_of(SETTINGS["ROOT_URLCONF"]).verdicts)
    with (
        stacks(SETTINGS, **ENVIRONMENT) as sockets,
        envoy(
            {"site": routes},
            {stack.value: getattr(sockets, stack) for stack in Stack},
            is_normalizing=False,
        ) as found,
    ):
        yield found


def _followed(client: Client, target: bytes) -> Answer:
    answer = client.ask(target)
    return client.ask(answer.location) if answer.status == 308 else answer


def test_each_view_for_asgi_is_served_by_it(port) -> None:
    """However its path is written, and below the script name: others may be served by either."""
    paths = [f"/app{path}" for path in module_of(NAME).PATHS]
    # Envoy refuses a fragment, which no request may have.
    readable = [target for target in targets_of(paths) if refusal(target) is None]
    targets = [target for target in readable if b"#" not in target]
    wrong, on_asgi = [], 0
    with closing(Client(port, "site")) as client, override_settings(**SETTINGS):
        for target in targets:
            resolution = resolve_with_django(SETTINGS["ROOT_URLCONF"], target)
            answer = _followed(client, target)
            # No other path is one of the HTTPRoute.
            if resolution is None or not target.startswith(b"/app/"):
                continue
            on_asgi += resolution.stack is Stack.ASGI
            wanted = {f"{resolution.number} asgi"}
            if resolution.stack is Stack.WSGI:
                wanted |= {f"{resolution.number} wsgi"}
            if answer.status != 200 or answer.text not in wanted:
                wrong.append((target, wanted, answer))

    assert wrong == []
    assert on_asgi >= 20
