"""nginx.conf says what the plan says, in the place where it counts, and NGINX takes it."""

import subprocess
from pathlib import Path
from typing import Any

import crossplane
import pytest

from builders import DEBIAN, WHEEL, host, plan, verdict, websocket
from django_tandem import output
from django_tandem.model import Plan, Stack, StaticFiles
from django_tandem.render import nginx

STATIC = StaticFiles(prefix="/static/", directory="/srv/project/staticfiles")
MEDIA = StaticFiles(prefix="/media/", directory="/srv/media")
FULL: dict[str, Any] = {
    "tandem": {
        "BIND": ":8123",
        "EDGE": {"TRUSTED_PROXIES": ["10.0.0.0/8"], "SERVER_NAMES": ["a.example"], "MEDIA": True},
        "ROUTES": [("/ws/", "asgi", {"STRIP": True})],
    },
    "static": STATIC,
    "media": MEDIA,
}


class Conf:
    """A rendered nginx.conf, to be asked for a directive in a place."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        output.write(nginx.render(plan), directory)
        parsed = crossplane.parse(str(directory / "nginx.conf"), single=True)
        assert parsed["errors"] == []
        self._top = parsed["config"][0]["parsed"]

    def args(self, directive: str, *place: str) -> list[list[str]]:
        """Return the arguments of each ``directive`` in the block at ``place``, by words."""
        return [each["args"] for each in self._block(place) if each["directive"] == directive]

    def _block(self, place: tuple[str, ...]) -> list[dict[str, Any]]:
        block = self._top
        for words in place:
            name, *args = words.split()
            block = next(
                each["block"]
                for each in block
                if each["directive"] == name and each["args"][: len(args)] == args
            )
        return block


@pytest.fixture
def conf(tmp_path):
    return lambda *verdicts, **changes: Conf(plan(*verdicts, **changes), tmp_path)


def test_only_a_websocket_may_upgrade(conf) -> None:
    """Any other word would let a client speak h2c past the rules."""
    found = conf(websocket("/ws/"))

    block = ("http", "map $request_method:$http_upgrade")
    assert found.args("~^GET:(?i:websocket)$", *block) == [["websocket"]]
    assert found.args("default", *block) == [[""]]
    assert found.args("proxy_set_header", "http", "server").count(["Upgrade", "$tandem_upgrade"])


def test_without_asgi_nothing_may_upgrade(conf) -> None:
    """There is nobody to speak to."""
    found = conf(verdict("/"))

    assert found.args("~^GET:(?i:websocket)$", "http", "map $request_method:$http_upgrade") == []
    assert [args for args in found.args("location", "http", "server") if "@asgi" in args] == []


def test_the_table_holds_the_routes_in_order(conf) -> None:
    """The first rule that matches decides, in NGINX as in Django."""
    found = conf(
        verdict("/a/"), verdict("/b/"), verdict("/a/", Stack.ASGI), verdict("/c", Stack.ASGI)
    )

    lines = [
        (each["directive"], each["args"])
        for each in found._block(("http", "map $uri $tandem_route"))
    ]
    assert lines == [
        ("default", ["wsgi"]),
        (r"~(*UTF8)(*UCP)(*NO_AUTO_POSSESS)^/a/\\z", ["wsgi"]),
        (r"~(*UTF8)(*UCP)(*NO_AUTO_POSSESS)(?:^/a/\\z)|(?:^/c\\z)", ["asgi"]),
    ]


def test_each_way_to_lie_about_oneself_is_overwritten(conf) -> None:
    """A header that a server would believe is set by the edge, or emptied."""
    headers = dict(conf(verdict("/")).args("proxy_set_header", "http", "server"))

    assert headers["X-Real-IP"] == "$remote_addr"
    assert headers["X-Forwarded-For"] == "$remote_addr"
    for name in ("Proxy", "Daphne-Root-Path", "Forwarded", "X-Forwarded-Ssl", "X-Script-Name"):
        assert headers[name] == ""


def test_a_trusted_proxy_is_believed_and_nobody_else(conf) -> None:
    """Only then is the client's address taken from X-Forwarded-For, and the scheme taken over."""
    found = conf(tandem={"EDGE": {"TRUSTED_PROXIES": ["10.0.0.0/8", "::1"]}})

    assert found.args("set_real_ip_from", "http") == [["10.0.0.0/8"], ["::1"]]
    assert found.args("default", "http", "geo $realip_remote_addr") == [["0"]]
    assert found.args("1:https", "http", "map $tandem_trusted:$http_x_forwarded_proto") == [
        ["https"]
    ]


def test_static_files_inside_the_project_are_named_from_the_run_directory(conf) -> None:
    """So that the tree, and the file with it, can be used elsewhere."""
    found = conf(static=STATIC)

    place = ("http", "server", "location ^~ /static/")
    assert found.args("alias", *place) == [["../staticfiles/"]]
    assert found.args("gzip", *place) == [["on"]]


def test_media_is_served_only_when_asked(conf) -> None:
    """A view may guard it."""
    assert "^~ /media/" not in str(conf(media=MEDIA).args("location", "http", "server"))


@pytest.mark.parametrize(
    ("found_nginx", "listen"),
    [(DEBIAN, ["0.0.0.0:443", "ssl", "http2"]), (WHEEL, ["0.0.0.0:443", "ssl"])],
)
def test_http2_is_said_in_each_versions_own_words(conf, found_nginx, listen) -> None:
    """1.25.1 moved it from the listen directive to one of its own."""
    tls = {"TLS": {"CERTIFICATE": "/c.pem", "KEY": "/k.pem"}}

    found = conf(tandem={"BIND": "0.0.0.0:443", "EDGE": tls}, on=host(nginx=found_nginx))

    assert found.args("listen", "http", "server") == [listen]
    assert found.args("http2", "http", "server") == ([["on"]] if found_nginx is WHEEL else [])


def test_upstream_connections_are_never_kept(conf) -> None:
    """Newer NGINX keeps them by default, and a kept one can lose a POST at a reload."""
    assert conf(on=host(nginx=WHEEL)).args("keepalive", "http", "upstream tandem_wsgi") == [["0"]]
    assert conf(on=host(nginx=DEBIAN)).args("keepalive", "http", "upstream tandem_wsgi") == []


def test_an_idle_connection_is_kept_a_moment_when_the_edge_is_reloaded(conf) -> None:
    """A request may be on its way on it; NGINX before 1.27.4 has no word for that."""
    assert conf(on=host(nginx=WHEEL)).args("keepalive_min_timeout", "http", "server") == [["5s"]]
    assert conf(on=host(nginx=DEBIAN)).args("keepalive_min_timeout", "http", "server") == []


def test_the_edge_gives_a_request_up_and_sends_none_twice(conf) -> None:
    """After as long as is set, whether WSGI is slow to take the request or to answer it."""
    found = conf(websocket("/ws/"), tandem={"WSGI": {"TIMEOUT_S": 7}})

    for place in ("location /", "location @wsgi", "location @handed_wsgi"):
        for timeout in ("proxy_read_timeout", "proxy_send_timeout"):
            assert found.args(timeout, "http", "server", place) == [["7s"]]
    assert found.args("proxy_next_upstream", "http", "server") == [["off"]]


def test_long_tables_are_split_where_nginx_would_stop_reading(conf, tmp_path) -> None:
    """Neighbours are merged up to what one parameter may hold."""
    found = conf(*(verdict(f"/{'x' * 90}/{number}/", Stack.ASGI) for number in range(200)))

    table = list(found._block(("http", "map $uri $tandem_route")))[1:]
    assert 10 < len(table) < 30
    assert all(len(each["directive"].encode()) < 4096 for each in table)


@pytest.mark.parametrize("changes", [{}, FULL], ids=["plain", "full"])
def test_both_versions_of_nginx_take_the_file(nginx_program, tmp_path, changes) -> None:
    """Debian's 1.22 and the wheel's 1.31, with everything on and with nothing."""
    found = plan(
        verdict("/"),
        verdict('/é"{$;#/', Stack.ASGI),
        websocket("/ws/"),
        on=host(nginx=nginx_program),
        **changes,
    )
    output.write(nginx.render(found), tmp_path)

    argv = [nginx_program.program, "-t", "-p", f"{tmp_path}/", "-c", "nginx.conf", "-e", "stderr"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr
