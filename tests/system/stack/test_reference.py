"""What the reference's edge does, and which stack serves what: a test for each of its rows."""

import json
import math
import re

import crossplane
import psutil

from django_tandem.runtime.host import allowed_cpus
from harness.client import wait_for

FIFTY_MB = 50 * 1024 * 1024
JSON = [("Content-Type", "application/json")]
FORWARDED = {
    "Host": "shop.example",
    "X-Real-Ip": "127.0.0.1",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Proto": "http",
}


# NGINX in front


def test_nginx_has_a_worker_for_each_cpu_and_at_least_1024_connections_each(stack) -> None:
    """As the reference has it by worker_processes auto, which a container's quota would mislead."""
    parsed = crossplane.parse(str(stack.up.run_dir / "nginx.conf"), single=True)["config"][0]
    top = {each["directive"]: each for each in parsed["parsed"]}
    events = {each["directive"]: each["args"] for each in top["events"]["block"]}
    workers = psutil.Process(stack.pid("nginx")).children()

    cpus = math.ceil(allowed_cpus())
    assert top["worker_processes"]["args"] == [str(cpus)]
    assert int(events["worker_connections"][0]) >= 1024
    assert len(workers) == cpus


def test_the_access_log_is_on_stdout(stack) -> None:
    """One line a request: the program's name, the time, the request, its id and its stack."""
    stack.ask("/describe/?of=the-access-log")

    asked = r'127\.0\.0\.1 "GET /describe/\?of=the-access-log HTTP/1\.1" 200'
    after = r"[0-9]+ [0-9.]+s [0-9a-f]{32} wsgi"
    line = re.compile(rf"^nginx      \| [-0-9T:+]+ {asked} {after}$", re.MULTILINE)
    assert wait_for(lambda: line.search(stack.up.stdout))


def test_the_error_log_is_on_stdout_too_as_supervisord_has_it(stack) -> None:
    """NGINX writes it to its stderr, and each program's output goes to the container's stdout."""
    stack.ask("/length/", "POST", [("Content-Length", str(2**40))])

    line = "client intended to send too large body: 1099511627776 bytes"
    wait_for(lambda: any(line in printed for printed in stack.up.stdout.splitlines()))
    error_log = next(printed for printed in stack.up.stdout.splitlines() if line in printed)
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
    reported = stack.ask("/", "GET", [("Host", "shop.example")]).json

    assert (reported["served_by"], reported["path"]) == ("WSGIRequest", "/")
    assert reported["headers"] == reported["headers"] | FORWARDED


def test_ws_leads_to_asgi_without_its_prefix(stack) -> None:
    """The same view as at /describe/, at that path, over HTTP/1.1, with the headers set."""
    reported = stack.ask("/ws/describe/", "GET", [("Host", "shop.example")]).json

    assert (reported["served_by"], reported["path"]) == ("ASGIRequest", "/describe/")
    assert reported["http_version"] == "1.1"
    assert reported["headers"] == reported["headers"] | FORWARDED


def test_the_handler_on_asgi_is_ours_though_asgi_py_says_nothing_of_it(stack) -> None:
    """In Channels' router, instead of Django's: the view is on a thread of our pool."""
    assert stack.ask("/ws/describe/").json["thread"] == "django-tandem"


def test_what_follows_the_prefix_stays_as_it_was_written(stack) -> None:
    """Percent-encoding and query included."""
    assert stack.ask("/ws/d%65scribe/?a=%2F").json["path"] == "/describe/"
    assert stack.ask("/ws").status == 404


def test_a_websocket_below_ws_is_upgraded_without_its_prefix(stack) -> None:
    """Its route is declared without /ws/, and it gets the headers too."""
    opened, echoed = stack.converse("/ws/chat/one/", "hello")

    reported = json.loads(opened)
    assert (reported["path"], echoed) == ("/chat/one/", "echo hello")
    lower = {name.lower(): value for name, value in FORWARDED.items()}
    assert reported["headers"] == reported["headers"] | lower
    assert reported["headers"]["upgrade"] == "websocket"
    assert reported["headers"]["connection"].lower() == "upgrade"


def test_a_redirect_is_passed_as_it_is(stack) -> None:
    """`proxy_redirect off`: NGINX would rewrite a location that looks like its upstream's."""
    assert stack.ask("/ws/moved/").headers["Location"] == "http://tandem_asgi/elsewhere/"


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
