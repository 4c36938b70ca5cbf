"""A real NGINX evaluates requests by the rendered rules, and leaves nothing behind."""

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import crossplane
import pytest

from builders import host, plan, verdict, websocket
from django_tandem.errors import RefusedError
from django_tandem.model import EdgeRule, PathMatch, Plan, Stack, StaticFiles
from django_tandem.render import nginx
from django_tandem.runtime.dry_run import EdgeRequest, dry_run

pytestmark = pytest.mark.processes

# On an idle machine it is a tenth of that.
AT_MOST_S = 0.3


@pytest.fixture
def scratch(monkeypatch) -> Path:
    """Where temporary directories are made; short, for sockets are in them."""
    with tempfile.TemporaryDirectory(prefix="t-") as path:
        monkeypatch.setattr(tempfile, "tempdir", path)
        yield Path(path)


def _plan(nginx_program, *rules: EdgeRule, **tandem) -> Plan:
    made = plan(
        verdict("/a/", Stack.ASGI),
        verdict("/b/"),
        verdict("/c/", Stack.ASGI),
        websocket("/ws/"),
        on=host(nginx=nginx_program),
        tandem=tandem,
    )
    return replace(made, edge=replace(made.edge, rules=(*rules, *made.edge.rules)))


def _request(target: str, *headers: tuple[str, str], method: str = "GET") -> EdgeRequest:
    return EdgeRequest(method=method, target=target, host="localhost", headers=headers)


def _children() -> list[int]:
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in found.split()]


def test_nothing_is_left_behind(nginx_program, scratch) -> None:
    """No process and no file, even after an error."""
    before = _children()

    with pytest.raises(ZeroDivisionError), dry_run(_plan(nginx_program)) as evaluate:  # noqa: PT012
        evaluate(_request("/a/"))
        assert len(_children()) == len(before) + 1
        assert [path.stat().st_mode & 0o777 for path in scratch.iterdir()] == [0o700]
        raise ZeroDivisionError

    assert _children() == before
    assert list(scratch.iterdir()) == []


@pytest.mark.alone
def test_a_dry_run_is_fast(nginx_program, scratch) -> None:
    """From start to end, the best of five."""
    took = []
    for _ in range(5):
        started = time.perf_counter()
        with dry_run(_plan(nginx_program)) as evaluate:
            evaluate(_request("/a/"))
        took.append(time.perf_counter() - started)

    assert min(took) < AT_MOST_S


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "PROPFIND"])
def test_a_decision_names_the_stack_and_the_rule(nginx_program, method) -> None:
    """For every method; merged rules keep their own numbers."""
    with dry_run(_plan(nginx_program)) as evaluate:
        first, second, none = (
            evaluate(_request(path, method=method)) for path in ("/a/", "/c/", "/b/")
        )

    assert (first.stack, first.number, first.rule.origin) == (Stack.ASGI, 1, "/a/")
    assert (second.stack, second.number, second.rule.origin) == (Stack.ASGI, 2, "/c/")
    assert (none.stack, none.number, none.rule) == (Stack.WSGI, 0, None)


def test_a_websocket_handshake_goes_to_asgi(nginx_program) -> None:
    """No other upgrade does."""
    with dry_run(_plan(nginx_program)) as evaluate:
        shake = evaluate(_request("/b/", ("Upgrade", "WebSocket"), ("Connection", "upgrade")))
        other = evaluate(_request("/b/", ("Upgrade", "h2c")))

    assert (shake.stack, shake.is_websocket) == (Stack.ASGI, True)
    assert (other.stack, other.is_websocket) == (Stack.WSGI, False)


def test_an_error_of_nginx_is_in_the_hint(nginx_program) -> None:
    """Such as for an invalid regular expression."""
    bad = EdgeRule(match=PathMatch(pcre="^/(", prefix="/"), stack=Stack.ASGI, origin="/(")

    with pytest.raises(RefusedError) as caught, dry_run(_plan(nginx_program, bad)):
        pass

    assert caught.value.message == "NGINX rejects the rules that were rendered for it."
    assert "_compile() failed" in caught.value.hint


@pytest.mark.parametrize(
    "tandem",
    [
        {},
        {"ROUTES": [("/ws/", "asgi", {"STRIP": True})]},
        {"EDGE": {"SERVER_NAMES": ["shop.example"], "MEDIA": True}},
    ],
)
def test_a_dry_run_has_the_maps_of_nginx_conf(nginx_program, tandem, tmp_path) -> None:
    """What routes a request in nginx.conf is the same here."""
    files = StaticFiles(prefix="/static/", directory="/srv/files")
    made = _plan(nginx_program, **tandem)
    made = replace(made, edge=replace(made.edge, static=files))

    real = _deciding(nginx.render(made)[0].content, tmp_path)
    asked = _deciding(nginx.render_dry_run(made).content, tmp_path)

    assert {"$tandem_stack", "$tandem_route", "$tandem_undotted"} <= asked.keys()
    own = {"$tandem_matched", "$tandem_rule", "server_name"}
    assert {name: lines for name, lines in asked.items() if name not in own} == {
        name: lines for name, lines in real.items() if name in asked.keys() - own
    }


def _deciding(content: str, directory: Path) -> dict[str, object]:
    """Each map by its variable, each location of files by its prefix, and how a target is read."""
    path = directory / "nginx.conf"
    path.write_text(content)
    payload = crossplane.parse(str(path), single=True, check_ctx=False)
    (http,) = [each for each in payload["config"][0]["parsed"] if each["directive"] == "http"]
    maps = {_plain(each)["args"][1]: each for each in http["block"] if each["directive"] == "map"}
    server = [each for each in http["block"] if each["directive"] == "server"][-1]["block"]
    files = {each["args"][-1]: each for each in server if each["args"][:1] == ["^~"]}
    reading = {
        each["directive"]: each
        for each in (*http["block"], *server)
        if each["directive"] in READING
    }
    return {name: _plain(each) for name, each in (maps | files | reading).items()}


READING = {"if", "merge_slashes", "large_client_header_buffers", "server_name"}


def _plain(directive: dict) -> dict:
    """Without the numbers of its lines."""
    block = [_plain(each) for each in directive.get("block", [])]
    return {"name": directive["directive"], "args": directive["args"], "block": block}
