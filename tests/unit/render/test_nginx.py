"""nginx.conf has the directives of the plan in the right blocks, and NGINX accepts it."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import crossplane
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import DEBIAN, WHEEL, host, plan, verdict, websocket
from django_tandem import output
from django_tandem.model import EdgeRule, PathMatch, Plan, Stack, StaticFiles
from django_tandem.model.shifts import route_id
from django_tandem.monitor.request_lines import parse
from django_tandem.render import nginx, supervisor
from django_tandem.render.nginx import guard
from django_tandem.shift.samples import parse as parse_shifted

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
    """A rendered nginx.conf; `args` looks a directive up in a block."""

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
    """With any other, a client could send h2c requests past the rules."""
    found = conf(websocket("/ws/"))

    block = ("http", "map $request_method:$http_upgrade")
    assert found.args("~^GET:(?i:websocket)$", *block) == [["websocket"]]
    assert found.args("default", *block) == [[""]]
    assert found.args("proxy_set_header", "http", "server").count(["Upgrade", "$tandem_upgrade"])


def test_without_asgi_there_are_no_upgrades(conf) -> None:
    """No server would accept them."""
    found = conf(verdict("/"))

    assert found.args("~^GET:(?i:websocket)$", "http", "map $request_method:$http_upgrade") == []
    assert [
        args for args in found.args("location", "http", "server") if "@tandem_asgi" in args
    ] == []


def test_the_map_has_the_routes_in_order(conf) -> None:
    """The first match wins, in NGINX as in Django."""
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


def test_forwarded_headers_of_a_client_are_overwritten(conf) -> None:
    """The edge sets or empties each header that a server would trust."""
    headers = dict(conf(verdict("/")).args("proxy_set_header", "http", "server"))

    assert headers["X-Real-IP"] == "$remote_addr"
    assert headers["X-Forwarded-For"] == "$remote_addr"
    assert headers["X-Tandem-Route"] == "$tandem_websocket_route"
    for name in ("Proxy", "Daphne-Root-Path", "Forwarded", "X-Forwarded-Ssl", "X-Script-Name"):
        assert headers[name] == ""


def test_forwarded_headers_of_a_trusted_proxy_are_used(conf) -> None:
    """The client's address is that of X-Forwarded-For, and the scheme that of X-Forwarded-Proto."""
    found = conf(tandem={"EDGE": {"TRUSTED_PROXIES": ["10.0.0.0/8", "::1"]}})

    assert found.args("set_real_ip_from", "http") == [["10.0.0.0/8"], ["::1"]]
    assert found.args("default", "http", "geo $realip_remote_addr") == [["0"]]
    lines = found._block(("http", "map $tandem_trusted:$http_x_forwarded_proto"))
    assert [each["args"] for each in lines] == [["$scheme"], ["https"], ["http"]]


def test_paths_inside_the_project_are_relative_to_the_run_directory(conf) -> None:
    """So that the project can move."""
    found = conf(static=STATIC)

    place = ("http", "server", "location ^~ /static/")
    assert found.args("alias", *place) == [["../staticfiles/"]]
    assert found.args("gzip", *place) == [["on"]]


def test_media_is_served_only_with_the_setting(conf) -> None:
    """A view may restrict access to it."""
    assert "^~ /media/" not in str(conf(media=MEDIA).args("location", "http", "server"))


@pytest.mark.parametrize(
    ("found_nginx", "listen"),
    [(DEBIAN, ["0.0.0.0:443", "ssl", "http2"]), (WHEEL, ["0.0.0.0:443", "ssl"])],
)
def test_http2_has_the_syntax_of_each_version(conf, found_nginx, listen) -> None:
    """1.25.1 moved it from `listen` to its own directive."""
    tls = {"TLS": {"CERTIFICATE": "/c.pem", "KEY": "/k.pem"}}

    found = conf(tandem={"BIND": "0.0.0.0:443", "EDGE": tls}, on=host(nginx=found_nginx))

    assert found.args("listen", "http", "server") == [listen]
    assert found.args("http2", "http", "server") == ([["on"]] if found_nginx is WHEEL else [])


def test_upstream_connections_are_not_kept_alive(conf) -> None:
    """A reload could lose a POST on one; newer versions keep them by default."""
    assert conf(on=host(nginx=WHEEL)).args("keepalive", "http", "upstream tandem_wsgi") == [["0"]]
    assert conf(on=host(nginx=DEBIAN)).args("keepalive", "http", "upstream tandem_wsgi") == []


def test_idle_connections_survive_a_reload_of_nginx_for_a_moment(conf) -> None:
    """A request may be on its way; versions before 1.27.4 lack the directive."""
    assert conf(on=host(nginx=WHEEL)).args("keepalive_min_timeout", "http", "server") == [["5s"]]
    assert conf(on=host(nginx=DEBIAN)).args("keepalive_min_timeout", "http", "server") == []


def test_requests_time_out_and_are_never_sent_twice(conf) -> None:
    """TIMEOUT_S holds for the sending of a request and for its response."""
    found = conf(websocket("/ws/"), tandem={"WSGI": {"TIMEOUT_S": 7}})

    for place in ("location /", "location @tandem_wsgi", "location @tandem_handed_wsgi"):
        for timeout in ("proxy_read_timeout", "proxy_send_timeout"):
            assert found.args(timeout, "http", "server", place) == [["7s"]]
    assert found.args("proxy_next_upstream", "http", "server") == [["off"]]


def test_long_maps_are_split_at_the_longest_parameter(conf, tmp_path) -> None:
    """Neighbours are merged up to NGINX's limit."""
    found = conf(*(verdict(f"/{'x' * 90}/{number}/", Stack.ASGI) for number in range(200)))

    table = list(found._block(("http", "map $uri $tandem_route")))[1:]
    assert 10 < len(table) < 30
    assert all(len(each["directive"].encode()) < 4096 for each in table)


JSON: dict[str, Any] = {**FULL, "tandem": {**FULL["tandem"], "LOG_FORMAT": "json"}}


@pytest.mark.parametrize("changes", [{}, FULL, JSON], ids=["plain", "full", "json"])
def test_both_versions_of_nginx_accept_the_file(nginx_program, tmp_path, changes) -> None:
    """Debian's 1.22 and the wheel's 1.31, with every option and with none."""
    found = plan(
        verdict("/"),
        verdict('/é"{$;#/', Stack.ASGI),
        websocket("/ws/"),
        websocket('/é"{$;#\\/'),
        on=host(nginx=nginx_program),
        **changes,
    )
    output.write(nginx.render(found), tmp_path)

    argv = [nginx_program.program, "-t", "-p", f"{tmp_path}/", "-c", "nginx.conf", "-e", "stderr"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


UNMONITORED = {"MONITOR": False}


def test_only_the_log_in_json_and_the_monitor_take_headers_of_the_stack(conf) -> None:
    """The edge removes them from each response, and its log escapes what clients send."""
    as_text = conf(verdict("/"), tandem=UNMONITORED)
    as_json = conf(verdict("/"), tandem={"LOG_FORMAT": "json", **UNMONITORED})

    assert as_text.args("proxy_hide_header", "http", "server") == []
    assert ["X-Tandem-Route", ""] in as_text.args("proxy_set_header", "http", "server")
    assert as_json.args("proxy_hide_header", "http", "server") == [
        ["X-Tandem-Request"],
        ["X-Tandem-Exception"],
    ]
    ((_, escape, *parts),) = as_json.args("log_format", "http")
    assert escape == "escape=json"
    # Each value that is no number is a string.
    written = re.sub(r"(?<=:)\$\w+", "0", "".join(parts))
    assert json.loads(written)["status"] == 0


def test_the_line_for_the_monitor_is_the_one_that_it_reads(conf) -> None:
    """In a separate file, beside the access log."""
    found = conf(verdict("/"), tandem={})

    (parts,) = [each for each in found.args("log_format", "http") if each[0] == "tandem_monitor"]
    fields = "".join(parts[2:]).replace("\\t", "\t").split("\t")
    values = {"$msec": "1.5", "$status": "200", "$request_time": "0.01", "$bytes_sent": "9"}
    read = parse("\t".join(values.get(field, "") for field in fields))
    assert (read.at, read.status, read.duration_s, read.bytes_sent) == (1.5, 200, 0.01, 9)
    (include,) = [each for each in found.args("include", "http") if "monitor" in each[0]]
    assert include == ["monitor[.]conf"]


def test_the_edge_alone_writes_no_line_for_the_monitor() -> None:
    """No monitor would read them, and they would fill the disk: the processes' files have them."""
    made = plan(verdict("/"))
    written = {file.name: file.content for file in supervisor.render(made)}

    access_log = "access_log requests.tsv tandem_monitor buffer=64k flush=1s;"
    assert written["monitor.conf"].splitlines()[-1] == access_log
    assert not any("access_log requests.tsv" in file.content for file in nginx.render(made))
    unmonitored = plan(verdict("/"), tandem=UNMONITORED)
    assert "monitor.conf" not in [file.name for file in supervisor.render(unmonitored)]


def test_the_edge_finds_the_route_of_what_no_worker_answered(conf) -> None:
    """By the path, in the order of the URLconf; WebSockets by their own."""
    found = conf(verdict("/b/"), verdict("/a/"), websocket("/ws/"), tandem={})

    table = list(found._block(("http", "map $tandem_client_path $tandem_numbered_route")))[1:]
    ids = [route_id("/b/"), route_id("/a/")]
    assert [each["args"] for each in table] == [[f"{ids[0]} /b/"], [f"{ids[1]} /a/"]]
    statuses = list(found._block(("http", "map $status $tandem_unanswered_route")))[1:]
    assert [each["directive"] for each in statuses] == ["499", "502", "503", "504"]


def test_only_an_edge_that_may_shift_looks_for_shifts(conf) -> None:
    """Or for mirrors: with both stacks, and a monitor that reads what they answer."""
    both = (verdict("/"), websocket("/ws/"))
    place = ("http", "server", "location /")

    assert conf(*both, tandem={}).args("if", *place) == [
        ["-d", "diverted"],
        ["$tandem_stack", "=", "asgi"],
    ]
    assert conf(verdict("/"), tandem={}).args("if", *place) == []
    assert conf(*both, tandem=UNMONITORED).args("if", *place) == [["$tandem_stack", "=", "asgi"]]


def test_a_client_of_a_shift_is_known_by_its_session(conf) -> None:
    """By its address where the project has none, or the client no session yet."""
    both = (verdict("/"), websocket("/ws/"))
    named = conf(*both, tandem={}, session_cookie="my.session")._block(
        ("http", "map $http_cookie $tandem_client")
    )

    assert [[each["directive"], *each["args"]] for each in named] == [
        ["default", "$remote_addr"],
        [r"~(?:^|;[ ]*)my\\.session=(?<tandem_session>[^; ]+)", "$tandem_session"],
    ]
    maps = conf(*both, tandem={}).args("map", "http")
    assert ["", "$tandem_client"] in maps
    assert ["$http_cookie", "$tandem_client"] not in maps


@pytest.mark.parametrize("location", ["@tandem_trial_asgi", "@tandem_trial_asgi_safe"])
def test_a_view_that_hangs_on_trial_times_out_as_on_wsgi(conf, location) -> None:
    """A stream may be silent for an hour on ASGI, and none is shifted."""
    found = conf(verdict("/"), websocket("/ws/"), tandem={"WSGI": {"TIMEOUT_S": 7}})

    for name in ("proxy_read_timeout", "proxy_send_timeout"):
        assert found.args(name, "http", "server", f"location {location}") == [["7s"]]
        assert found.args(name, "http", "server", "location @tandem_asgi") == [["1h"]]


def test_the_line_for_a_shift_is_the_one_that_its_program_reads(conf) -> None:
    """In a file of the processes, as that of the monitor."""
    both = (verdict("/"), websocket("/ws/"))
    found = conf(*both, tandem={})

    (parts,) = [each for each in found.args("log_format", "http") if each[0] == "tandem_shift"]
    fields = "".join(parts[2:]).replace("\\t", "\t").split("\t")
    values = {
        "$msec": "1.5",
        "$status": "200",
        "$upstream_status": "404",
        "$request_time": "0.5",
        "$tandem_shift_id": "ab",
    }
    read = parse_shifted("\t".join(values.get(field, "") for field in fields))
    assert read is not None
    assert (read.at, read.status, read.took_s, read.route) == (1.5, 404, 0.5, "ab")
    written = {file.name: file.content for file in supervisor.render(plan(*both))}
    access_log = "access_log shift.tsv tandem_shift if=$tandem_side;"
    assert access_log in written["monitor.conf"].splitlines()


def test_the_log_in_json_has_the_routes_of_websockets(conf) -> None:
    """As a header has them; a dollar sign is that of a variable, for a map has no escape for it."""
    tandem = {"LOG_FORMAT": "json", **UNMONITORED}
    found = conf(verdict("/"), websocket("/ws/$"), websocket("/\xe9/"), tandem=tandem)

    table = list(found._block(("http", "map $tandem_client_path $tandem_websocket_path")))[1:]
    assert [each["args"] for each in table] == [["/ws/${tandem_dollar}"], [r"/\\xe9/"]]
    assert conf(verdict("/"), tandem=tandem).args("geo", "http") == []


ROOMY = 4000

prefixes = st.lists(st.text("ab/.", max_size=8).map("/{}".format), min_size=1, max_size=12)


def _rules(*begin: str, stack: Stack = Stack.ASGI) -> list[EdgeRule]:
    matches = [PathMatch(pcre=f"^{re.escape(text)}", prefix=text) for text in begin]
    return [EdgeRule(match=match, stack=stack, origin=match.prefix) for match in matches]


def _matches(found: str | None, path: str) -> bool:
    return found is not None and re.match(found, path) is not None


@given(begin=prefixes, path=st.text("ab/.", max_size=12).map("/{}".format))
def test_the_guard_matches_paths_without_a_prefix_of_the_rules(begin, path) -> None:
    """With room for every prefix."""
    is_covered = any(path.startswith(text) for text in begin)

    assert _matches(guard(_rules(*begin), longest=ROOMY), path) is not is_covered


@given(begin=prefixes, longest=st.integers(0, 80), path=st.text("ab/.", max_size=12))
def test_a_shorter_guard_matches_fewer_paths(begin, longest, path) -> None:
    """It is never longer than allowed, and never matches a path of a rule."""
    found = guard(_rules(*begin), longest=longest)

    assert found is None or len(found) <= longest
    assert not any(_matches(found, f"{text}{path}") for text in begin)


@pytest.mark.parametrize("begin", [("/",), ("/feed/", "/"), ()])
def test_there_is_no_guard_where_every_path_may_be_asgis(begin) -> None:
    """Nor without rules."""
    assert guard(_rules(*begin), longest=ROOMY) is None


def test_a_common_beginning_stands_once() -> None:
    """Only rules for ASGI have a part in it."""
    rules = [*_rules("/api/feed/", "/api/fees/", "/x+"), *_rules("/other/", stack=Stack.WSGI)]

    assert guard(rules, longest=ROOMY) == r"^(?!/(?:api/fee(?:d/|s/)|x\+))"


def test_only_a_long_map_has_a_guard() -> None:
    """A short one is faster without."""

    def lines(count: int) -> int:
        routes = [verdict(f"/{n}/<a>/", (Stack.WSGI, Stack.ASGI)[n % 2]) for n in range(count)]
        same = PathMatch(pcre="^/.", prefix="/a")
        routes = [verdict(each.route.pattern, each.stack, match=same) for each in routes]
        return nginx.render(plan(*routes, tandem=UNMONITORED))[0].content.count("(*UTF8)")

    assert (lines(2), lines(4)) == (2, 5)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ["tmp-body", "tmp-proxy"]),
        ("/var/tmp/shop", ["/var/tmp/shop/tmp-body", "/var/tmp/shop/tmp-proxy"]),
        ("var", ["../var/tmp-body", "../var/tmp-proxy"]),
    ],
)
def test_large_bodies_are_in_their_directory(conf, given, expected) -> None:
    """In the run directory without a setting; by a relative path where both are in the project."""
    found = conf(verdict("/"), tandem={"EDGE": {"TEMP_DIR": given}})

    paths = [
        *found.args("client_body_temp_path", "http"),
        *found.args("proxy_temp_path", "http"),
    ]
    assert paths == [[each] for each in expected]
