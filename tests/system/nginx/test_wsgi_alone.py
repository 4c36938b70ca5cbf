"""A project under development that needs no ASGI: whole, with a short timeout."""

import asyncio
import json
import time

import aiohttp
import pytest

from harness.client import ask, wait_for
from harness.stack import Up

CSS = "/static/edgesite/site.css"
TIMEOUT_S = 2


@pytest.fixture(scope="module")
def up(project, nginx_program):
    setting = {
        "EDGE": {"NGINX": nginx_program.program},
        "WSGI": {"WORKERS": 2, "TIMEOUT_S": TIMEOUT_S},
        "RUN_DIR": "alone",
    }
    environment = {
        "EDGESITE_TANDEM": json.dumps(setting),
        "EDGESITE_URLS": "edgesite.urls_of_wsgi",
        "EDGESITE_CHANNELS": "0",
        "EDGESITE_DEBUG": "1",
    }
    with Up(project, environment=environment) as running:
        assert "asgi-1" not in running.output
        yield running


@pytest.mark.parametrize("path", ["/sync/", "/socket/"])
def test_a_websocket_is_refused_and_does_not_hang(up, path) -> None:
    """With the answer that the same request gets without its Upgrade header."""

    async def knock() -> int:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(f"{up.url}{path}")
            return caught.value.status

    status = asyncio.run(asyncio.wait_for(knock(), 5))
    assert status == ask(up.port, path).status == (200 if path == "/sync/" else 404)


def test_a_view_that_takes_too_long_is_given_up(up) -> None:
    """504 after the timeout, and soon the next request is served."""
    began = time.monotonic()
    answer = ask(up.port, "/slow/?s=60")

    assert answer.status == 504
    assert TIMEOUT_S - 1 < time.monotonic() - began < TIMEOUT_S + 5
    assert ask(up.port, "/slow/?s=0").text == "slow"
    wait_for(lambda: "WORKER TIMEOUT" in up.output)


def test_with_debug_on_static_files_come_from_the_app(up, project) -> None:
    """As they are written now, not as they were last collected."""
    source = project / "edgesite" / "static" / "edgesite" / "site.css"
    collected = source.read_text()
    try:
        source.write_text("body { color: red; }")

        assert ask(up.port, CSS).text == "body { color: red; }"
    finally:
        source.write_text(collected)
    assert ask(up.port, "/static/edgesite/missing.css").status == 404
