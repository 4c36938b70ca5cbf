"""Both stacks behind Envoy, which leaves paths as they are: each view for ASGI is on ASGI."""

from collections.abc import Iterator
from contextlib import closing

import oracle.configured  # noqa: F401 - Django, for all of these tests
import pytest
from django.test import override_settings
from gateway.lowered import routes_of
from oracle.cases import case_of, module_of
from oracle.edges import Client
from oracle.resolver import resolve_with_django
from oracle.stacks import stacks
from oracle.targets import grown, refusal

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


def _targets() -> list[bytes]:
    paths = module_of(NAME).PATHS
    found = [
        b"/app" + target for turn in range(10) for path in paths for target in grown(path, turn)
    ]
    # Envoy refuses a fragment, which no request may have.
    readable = (target for target in dict.fromkeys(found) if b"#" not in target)
    return [target for target in readable if refusal(target) is None and len(target) < 8000]


def test_each_view_for_asgi_is_served_by_it(port) -> None:
    """However its path is written, and below the script name: others may be served by either."""
    wrong, redirected = [], set()
    with closing(Client(port, "site")) as client, override_settings(**SETTINGS):
        for target in _targets():
            resolution = resolve_with_django(SETTINGS["ROOT_URLCONF"], target)
            if resolution is None:
                continue
            answer = client.ask(target)
            if answer.status == 308:
                redirected.add(target)
                answer = client.ask(answer.location)
            stacks = {Stack.ASGI, resolution.stack}
            if answer.text not in {f"{resolution.number} {stack}" for stack in stacks}:
                wrong.append((target, resolution, answer))

    assert wrong == []
    assert b"/app/api%2Fa%2F" in redirected
