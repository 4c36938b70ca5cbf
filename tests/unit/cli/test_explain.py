"""`tandem explain` names what answers a URL, by Django's resolver and a real NGINX."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cli.json_page import documented_keys
from cli.repeated import Repeated

from harness.projects import startproject
from harness.stack import tandem

pytestmark = pytest.mark.processes

URLS = """
from django.http import HttpResponse
from django.urls import path, re_path
from asgiref.sync import sync_to_async


def sync(request, **_):
    return HttpResponse("sync")


async def asynchronous(request, **_):
    return HttpResponse("async")


urlpatterns = [
    path("sync/", sync, name="sync"),
    path("async/", asynchronous, name="async"),
    path("both/", sync),
    path("größe/<slug:name>/", asynchronous),
    re_path(r"^pinned/one/$", sync),
    path("files/<path:rest>", asynchronous),
]
"""

ASGI = """
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

application = get_asgi_application()
application = ProtocolTypeRouter(
    {
        "http": application,
        "websocket": URLRouter(
            [
                path("both/", AsyncWebsocketConsumer.as_asgi()),
                path("alone/", AsyncWebsocketConsumer.as_asgi()),
                path("lots/<int:pk>/", AsyncWebsocketConsumer.as_asgi()),
            ]
        ),
    }
)
"""

SETTINGS = """
import json, os
TANDEM = json.loads(os.environ.get("TEST_TANDEM", "{}"))
DEBUG = "TEST_DEBUG" in os.environ
ALLOWED_HOSTS = ["*"]
FORCE_SCRIPT_NAME = os.environ.get("TEST_SCRIPT_NAME")
ASGI_APPLICATION = "mysite.asgi.application"
STATIC_ROOT = BASE_DIR / "collected"
"""

PINS = {"ROUTES": [["/pinned/", "asgi"], ["/ws/", "asgi", {"STRIP": True}]]}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    directory = startproject(tmp_path_factory.mktemp("x"))
    (directory / "mysite" / "urls.py").write_text(URLS)
    (directory / "mysite" / "asgi.py").write_text(ASGI)
    settings = directory / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + SETTINGS)
    (directory / "collected").mkdir()
    (directory / "collected" / "site.css").write_text("body {}")
    return directory


@pytest.fixture(scope="module")
def run(project) -> Iterator[Any]:
    """Run a command line with the environment given; one process for each environment."""
    with ExitStack() as stack:
        known: dict[tuple[tuple[str, str], ...], Repeated] = {}

        def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
            key = tuple(sorted(environment.items()))
            if key not in known:
                known[key] = stack.enter_context(Repeated(project, **environment))
            return known[key].run(*args)

        yield run


@pytest.fixture
def explain(run, nginx_program) -> Any:
    """Run it on each NGINX; return the exit code and the JSON."""

    def explain(*args: str, setting: dict[str, Any] | None = None, **environment: str) -> Any:
        setting = {"EDGE": {"NGINX": nginx_program.program}, **(setting or {})}
        done = run("explain", *args, "--json", TEST_TANDEM=json.dumps(setting), **environment)
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    return explain


def _only(found: Any) -> dict[str, Any]:
    (answer,) = found["answers"]
    return answer


def test_the_view_the_stack_and_the_rule_are_named(explain) -> None:
    """By the resolver and by NGINX, which agree."""
    code, found = explain("/async/")
    answer = _only(found)

    assert [found.keys(), answer.keys()] == documented_keys("tandem explain")
    assert code == 0
    assert (answer["route"], answer["name"], answer["stack"]) == ("/async/", "async", "asgi")
    assert answer["view"].startswith("mysite.urls.asynchronous (mysite/urls.py:")
    assert answer["edge"]["stack"] == "asgi"
    assert answer["edge"]["rule"]["origin"] == "/async/"
    assert answer["edge"]["rule"]["regex"] == r"^/async/\z"
    assert answer["agrees"]


def test_each_rule_has_its_own_number(explain) -> None:
    """In nginx.conf neighbours are one line."""
    found = [_only(explain(path)[1])["edge"]["rule"] for path in ("/async/", "/files/a/b")]

    assert [(rule["number"], rule["of"]) for rule in found] == [(1, 3), (3, 3)]


def test_a_path_without_a_rule_is_on_wsgi(explain) -> None:
    """WSGI is the default."""
    answer = _only(explain("/sync/")[1])

    assert (answer["stack"], answer["edge"]["stack"]) == ("wsgi", "wsgi")
    assert answer["edge"]["rule"] is None


def test_a_url_is_evaluated_as_a_client_would_send_it(explain) -> None:
    """The target unchanged to NGINX, decoded to the resolver, with neither user nor fragment."""
    _, found = explain("https://me@shop.example:8443/gr%C3%B6%c3%9fe/a-b/?q=%2F#there")

    assert (found["target"], found["host"]) == ("/gr%C3%B6%c3%9fe/a-b/?q=%2F", "shop.example:8443")
    assert _only(found)["path"] == "/größe/a-b/"
    assert _only(found)["stack"] == "asgi"


def test_a_url_as_a_browser_shows_it_is_encoded_first(explain) -> None:
    """Characters outside ASCII are percent-encoded."""
    _, found = explain("/größe/a-b/")

    assert found["target"] == "/gr%C3%B6%C3%9Fe/a-b/"
    assert _only(found)["stack"] == "asgi"


def test_two_slashes_are_a_path(explain) -> None:
    """And no host, and for Django another path than with one."""
    code, found = explain("//sync/")

    assert (code, found["target"], _only(found)["route"]) == (1, "//sync/", None)


def test_a_path_with_a_view_and_a_websocket_has_two_answers(explain) -> None:
    """Without a handshake either may be meant."""
    code, found = explain("/both/")

    assert code == 0
    assert [(each["protocol"], each["stack"]) for each in found["answers"]] == [
        ("http", "wsgi"),
        ("websocket", "asgi"),
    ]


def test_a_websocket_alone_is_the_answer(explain) -> None:
    """The 404 of a plain request is left out."""
    answer = _only(explain("/alone/")[1])

    assert (answer["protocol"], answer["stack"]) == ("websocket", "asgi")


@pytest.mark.parametrize("args", [["/both/", "--header", "upgrade: WebSocket"], ["ws://x/both/"]])
def test_with_a_handshake_only_the_websocket_is_shown(explain, args) -> None:
    """By its header, in whatever case, or by the URL's scheme."""
    answer = _only(explain(*args)[1])

    assert (answer["protocol"], answer["route"]) == ("websocket", "/both/")


def test_another_upgrade_is_no_handshake(explain) -> None:
    """NGINX lets only WebSockets through, so the view answers."""
    answer = _only(explain("/both/", "--header", "Upgrade: h2c")[1])

    assert (answer["protocol"], answer["stack"]) == ("http", "wsgi")


def test_a_handshake_without_a_route_has_no_answer(explain) -> None:
    """It is refused, and not answered by the view on that path."""
    code, found = explain("/sync/", "--header", "Upgrade: websocket")

    assert (code, _only(found)["route"], _only(found)["protocol"]) == (1, None, "websocket")


def test_a_request_on_the_wrong_stack_is_handed_over(explain) -> None:
    """NGINX does not match dot segments; Django resolves them literally."""
    code, found = explain("/files/a/../b")
    answer = _only(found)

    assert (code, answer["agrees"], answer["handed_over"]) == (0, False, True)
    assert (answer["edge"]["stack"], answer["stack"]) == ("wsgi", "asgi")


def test_without_the_handover_it_stays_on_the_wrong_stack(explain) -> None:
    """The exit code is 1."""
    code, found = explain("/files/a/../b", setting={"HANDOVER": False})
    answer = _only(found)

    assert (code, answer["agrees"], answer["handed_over"]) == (1, False, False)
    assert (answer["edge"]["stack"], answer["stack"]) == ("wsgi", "wsgi")


def test_a_script_name_is_no_part_of_the_path(explain) -> None:
    """Django resolves what follows it, and so do the rules of the edge."""
    _, found = explain("/app/async/", TEST_SCRIPT_NAME="/app")
    answer = _only(found)

    assert (answer["path"], answer["route"], answer["stack"]) == ("/async/", "/async/", "asgi")
    assert answer["edge"]["rule"]["origin"] == "/async/"


@pytest.mark.parametrize(("url", "is_shown"), [("/app/async/", True), ("/async/", False)])
def test_a_script_name_that_is_removed_is_shown(run, url, is_shown) -> None:
    """A proxy may have removed it before."""
    done = run("explain", url, TEST_SCRIPT_NAME="/app")

    line = "  as     /async/, without FORCE_SCRIPT_NAME\n"
    assert (done.returncode, line in done.stdout) == (0, is_shown)


@pytest.mark.parametrize("name", [r"~^(www\.)?shop\.example$", r"~^(www\.)?shop\.example"])
def test_a_regex_among_the_server_names_is_no_host(explain, name) -> None:
    """Without a host in the URL the rule is found all the same; with one the regex decides."""
    setting = {"EDGE": {"SERVER_NAMES": [name]}}

    assert _only(explain("/async/", setting=setting)[1])["edge"]["rule"]["origin"] == "/async/"
    assert explain("http://www.shop.example/async/", setting=setting)[0] == 0
    assert _only(explain("http://evil.example/async/", setting=setting)[1])["edge"]["status"] == 421


def test_a_long_tmpdir_has_no_room_for_a_socket(explain, tmp_path) -> None:
    """So a shorter directory is used."""
    directory = tmp_path / ("d" * 100)
    directory.mkdir()

    assert _only(explain("/async/", TMPDIR=str(directory))[1])["stack"] == "asgi"


@pytest.mark.parametrize(
    ("url", "location"), [("/sync?a=1", "/sync/?a=1"), ("/app/sync", "/app/sync/")]
)
def test_a_redirect_by_append_slash_is_an_answer(explain, url, location) -> None:
    """CommonMiddleware sends it, with the query and the script name."""
    environment = {"TEST_SCRIPT_NAME": "/app"} if url.startswith("/app") else {}
    code, found = explain(url, **environment)

    assert (code, _only(found)["route"], _only(found)["stack"]) == (0, None, "wsgi")
    assert _only(found)["redirect"] == {
        "status": 301,
        "location": location,
        "middleware": "django.middleware.common.CommonMiddleware",
    }


def test_a_pinned_prefix_is_the_rule(explain) -> None:
    """It precedes every route."""
    code, found = explain("/pinned/one/", setting=PINS)
    answer = _only(found)

    assert (code, answer["stack"], answer["agrees"]) == (0, "asgi", True)
    assert answer["edge"]["rule"]["origin"] == "/pinned/"


def test_a_prefix_that_is_stripped_is_stripped_first(explain) -> None:
    """By NGINX, on the way to ASGI, and for the WebSocket as well."""
    answer = _only(explain("/ws/lots/7/", setting=PINS)[1])
    plain = _only(explain("/ws/async/", setting=PINS)[1])

    assert (answer["protocol"], answer["path"]) == ("websocket", "/lots/7/")
    assert (plain["path"], plain["route"], plain["stack"]) == ("/async/", "/async/", "asgi")


def test_a_file_is_served_by_the_edge(explain) -> None:
    """The project answers for a file that does not exist."""
    code, found = explain("/static/site.css")
    other, beside = explain("/static/none.css")

    assert (code, _only(found)["stack"], _only(found)["edge"]["status"]) == (0, None, 200)
    assert (other, _only(beside)["stack"]) == (1, "wsgi")


def test_a_post_is_not_for_a_file(explain) -> None:
    """The method is part of the request."""
    code, found = explain("/static/site.css", "--method", "post")

    assert (code, found["method"], _only(found)["stack"]) == (1, "POST", "wsgi")


@pytest.mark.parametrize(
    ("url", "status"), [("/%00", 400), ("/../x", 400), ("/" + "x" * 34000, 414)]
)
def test_a_request_that_nginx_rejects_reaches_no_stack(explain, url, status) -> None:
    """The exit code is 1."""
    code, found = explain(url)

    assert (code, _only(found)["stack"], _only(found)["edge"]["status"]) == (1, None, status)


def test_another_host_than_the_server_names_is_rejected(explain) -> None:
    """Without a host in the URL, one of the names is used."""
    setting = {"EDGE": {"SERVER_NAMES": ["*.shop.example"]}}

    assert explain("/async/", setting=setting)[0] == 0
    assert explain("http://www.shop.example/async/", setting=setting)[0] == 0
    assert _only(explain("http://evil.example/async/", setting=setting)[1])["edge"]["status"] == 421


def test_the_text_has_a_few_aligned_lines(run, nginx_program) -> None:
    """Empty values are left out."""
    setting = {"EDGE": {"NGINX": nginx_program.program}}
    done = run("explain", "/files/a/../b", TEST_TANDEM=json.dumps(setting))
    version = ".".join(map(str, nginx_program.version))
    line = 1 + URLS.splitlines().index("async def asynchronous(request, **_):")

    assert done.stdout == (
        "GET /files/a/../b\n"
        "  route  /files/<path:rest>\n"
        f"  view   mysite.urls.asynchronous (mysite/urls.py:{line})\n"
        "  stack  asgi: an async view\n"
        f"  edge   NGINX {version} sends it to wsgi, as no rule matches\n"
        "  then   wsgi hands it over to asgi\n"
    )


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (
            ["/nothing/"],
            'Nothing in this project answers "/nothing/": it is a 404, from wsgi.\n'
            "  `tandem plan` lists the routes.\n",
        ),
        (
            ["ws://x/nothing/"],
            'No WebSocket is routed at "/nothing/": the handshake is answered with 404.\n'
            "  `tandem plan` lists the routes.\n",
        ),
        (
            ["/%00"],
            'NGINX itself rejects "/%00", with 400 Bad Request.\n  It is sent to neither stack.\n',
        ),
    ],
)
def test_no_answer_is_one_sentence_with_a_hint(run, args, found) -> None:
    """On stderr, with exit code 1."""
    done = run("explain", *args)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", found)


def test_the_wrong_stack_is_an_error(run) -> None:
    """It follows the result."""
    setting = json.dumps({"HANDOVER": False})
    done = run("explain", "/files/a/../b", TEST_TANDEM=setting)

    assert done.returncode == 1
    assert "  stack  wsgi: an async view\n" in done.stdout
    assert done.stderr == (
        '"/files/a/../b" belongs on asgi, and wsgi answers it.\n'
        '  TANDEM["HANDOVER"] would hand it over.\n'
    )


REDIRECTING = {
    "BIND": ":8443",
    "EDGE": {"TLS": {"CERTIFICATE": "/tls.pem", "KEY": "/tls.key"}, "REDIRECT": ":8080"},
}


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("http://localhost:8080/sync/", "https://localhost:8443/sync/"),
        ("https://localhost:8443/sync/", None),
        ("/sync/", None),
    ],
)
def test_plain_http_is_redirected_first(run, url, location) -> None:
    """A URL without a scheme is explained as the edge serves it."""
    setting = json.dumps(REDIRECTING)
    lines = run("explain", url, TEST_TANDEM=setting).stdout.splitlines()
    answer = _only(json.loads(run("explain", url, "--json", TEST_TANDEM=setting).stdout))

    assert answer["edge"]["redirect"] == location
    assert answer["view"].startswith("mysite.urls.sync ")
    first = (
        [f'308 to {location}, by TANDEM["EDGE"]["REDIRECT"]; that request is explained below']
        if location
        else []
    )
    shown = [line.removeprefix("  redirect").strip() for line in lines if "  redirect" in line]
    assert shown == first


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (
            ["--header", "Upgrade"],
            'Expected a header, such as "Upgrade: websocket", got "Upgrade".',
        ),
        (["--method", "G T"], 'Expected a method, such as POST, got "G T".'),
    ],
)
def test_an_invalid_request_is_a_usage_error(run, args, found) -> None:
    """With the user's own value, and exit code 2."""
    done = run("explain", "/", *args)

    assert (done.returncode, done.stderr) == (
        2,
        f"{args[0]}: {found}\n  `tandem explain --help` lists its arguments.\n",
    )


def test_with_debug_a_static_file_is_djangos(run) -> None:
    """As with runserver."""
    done = run("explain", "/static/site.css", TEST_DEBUG="1")

    assert (done.returncode, done.stderr) == (0, "")
    assert "  stack  wsgi: a static file, which Django serves while DEBUG is True\n" in done.stdout


LANGUAGES = """
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpResponse
from django.urls import path

urlpatterns = i18n_patterns(path("shop/", lambda request: HttpResponse("shop")))
"""
TRANSLATED = """
ALLOWED_HOSTS = ["*"]
MIDDLEWARE = [
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
]
"""
FALLBACK = """
def fallback(get_response):
    return get_response
"""


def test_what_middleware_may_answer_is_no_404(tmp_path) -> None:
    """Redirects of Django's own are known; the project's own middleware is named."""
    project = startproject(tmp_path)
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text() + TRANSLATED)
    (project / "mysite" / "urls.py").write_text(LANGUAGES)
    (project / "mysite" / "middleware.py").write_text(FALLBACK)
    in_english = tandem(project, "explain", "/shop/")
    in_german = tandem(project, "explain", "/shop/", "--header", "Accept-Language: de")
    with settings.open("a") as more:
        more.write('MIDDLEWARE += ["mysite.middleware.fallback"]\n')
    elsewhere = tandem(project, "explain", "/flat/")

    by = "by django.middleware.locale.LocaleMiddleware\n"
    assert (in_english.returncode, in_german.returncode) == (0, 0)
    assert "  stack   wsgi: no pattern matches\n" in in_english.stdout
    assert f"  answer  302 to /en/shop/, {by}" in in_english.stdout
    assert f"  answer  302 to /de/shop/, {by}" in in_german.stdout
    assert (elsewhere.returncode, elsewhere.stdout) == (1, "")
    assert elsewhere.stderr == (
        'No pattern of the URLconf matches "/flat/", on wsgi.\n'
        "  A middleware may still answer: mysite.middleware.fallback. `tandem plan` lists the "
        "routes.\n"
    )
