"""`tandem explain` says who answers a URL, by the word of the resolver and of a real NGINX."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.projects import startproject
from harness.stack import tandem

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


@pytest.fixture
def explain(project, nginx_program) -> Any:
    """Ask on each NGINX; return the exit code and what was told."""

    def ask(*args: str, setting: dict[str, Any] | None = None, **environment: str) -> Any:
        setting = {"EDGE": {"NGINX": nginx_program.program}, **(setting or {})}
        environment = {"TEST_TANDEM": json.dumps(setting), **environment}
        done = tandem(project, "explain", *args, "--json", **environment)
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    return ask


def _only(told: Any) -> dict[str, Any]:
    (answer,) = told["answers"]
    return answer


def test_the_view_the_stack_and_the_rule_are_named(explain) -> None:
    """By the resolver, and by the NGINX that was asked, which agree."""
    code, told = explain("/async/")
    answer = _only(told)

    assert code == 0
    assert (answer["route"], answer["name"], answer["stack"]) == ("/async/", "async", "asgi")
    assert answer["view"].startswith("mysite.urls.asynchronous (mysite/urls.py:")
    assert answer["edge"]["stack"] == "asgi"
    assert answer["edge"]["rule"]["origin"] == "/async/"
    assert answer["edge"]["rule"]["regex"] == r"^/async/\z"
    assert answer["agrees"]


def test_each_rule_is_told_from_its_neighbours(explain) -> None:
    """In NGINX's file they are one line."""
    found = [_only(explain(path)[1])["edge"]["rule"] for path in ("/async/", "/files/a/b")]

    assert [(rule["number"], rule["of"]) for rule in found] == [(1, 3), (3, 3)]


def test_what_no_rule_matches_is_on_wsgi(explain) -> None:
    """The default is no rule."""
    answer = _only(explain("/sync/")[1])

    assert (answer["stack"], answer["edge"]["stack"]) == ("wsgi", "wsgi")
    assert answer["edge"]["rule"] is None


def test_a_url_is_asked_as_a_client_would_send_it(explain) -> None:
    """The target unchanged to NGINX, decoded to the resolver, with neither user nor fragment."""
    _, told = explain("https://me@shop.example:8443/gr%C3%B6%c3%9fe/a-b/?q=%2F#there")

    assert (told["target"], told["host"]) == ("/gr%C3%B6%c3%9fe/a-b/?q=%2F", "shop.example:8443")
    assert _only(told)["path"] == "/größe/a-b/"
    assert _only(told)["stack"] == "asgi"


def test_a_url_as_it_is_read_is_encoded_first(explain) -> None:
    """A person types what the browser shows."""
    _, told = explain("/größe/a-b/")

    assert told["target"] == "/gr%C3%B6%C3%9Fe/a-b/"
    assert _only(told)["stack"] == "asgi"


def test_two_slashes_are_a_path(explain) -> None:
    """And no host, and for Django another path than with one."""
    code, told = explain("//sync/")

    assert (code, told["target"], _only(told)["route"]) == (1, "//sync/", None)


def test_a_path_with_a_view_and_a_websocket_has_two_answers(explain) -> None:
    """Without a handshake nothing says which is meant."""
    code, told = explain("/both/")

    assert code == 0
    assert [(each["protocol"], each["stack"]) for each in told["answers"]] == [
        ("http", "wsgi"),
        ("websocket", "asgi"),
    ]


def test_a_websocket_alone_is_the_answer(explain) -> None:
    """Nobody asks for the 404 that stands beside it."""
    answer = _only(explain("/alone/")[1])

    assert (answer["protocol"], answer["stack"]) == ("websocket", "asgi")


@pytest.mark.parametrize("args", [["/both/", "--header", "upgrade: WebSocket"], ["ws://x/both/"]])
def test_with_a_handshake_the_websocket_is_meant(explain, args) -> None:
    """By its header, in whatever case, or by the URL's scheme."""
    answer = _only(explain(*args)[1])

    assert (answer["protocol"], answer["route"]) == ("websocket", "/both/")


def test_another_upgrade_is_none(explain) -> None:
    """NGINX lets only WebSockets through, so the view answers."""
    answer = _only(explain("/both/", "--header", "Upgrade: h2c")[1])

    assert (answer["protocol"], answer["stack"]) == ("http", "wsgi")


def test_a_handshake_that_nothing_is_routed_for(explain) -> None:
    """It is refused, and not answered by the view on that path."""
    code, told = explain("/sync/", "--header", "Upgrade: websocket")

    assert (code, _only(told)["route"], _only(told)["protocol"]) == (1, None, "websocket")


def test_a_disagreement_is_settled_by_the_hand_over(explain) -> None:
    """NGINX would resolve the dots, so it asks no rule; Django takes them as they are."""
    code, told = explain("/files/a/../b")
    answer = _only(told)

    assert (code, answer["agrees"], answer["handed_over"]) == (0, False, True)
    assert (answer["edge"]["stack"], answer["stack"]) == ("wsgi", "asgi")


def test_without_the_hand_over_a_disagreement_stays(explain) -> None:
    """Then the answer is no."""
    code, told = explain("/files/a/../b", setting={"HANDOVER": False})
    answer = _only(told)

    assert (code, answer["agrees"], answer["handed_over"]) == (1, False, False)
    assert (answer["edge"]["stack"], answer["stack"]) == ("wsgi", "wsgi")


def test_a_script_name_is_no_part_of_the_path(explain) -> None:
    """Django resolves what follows it."""
    _, told = explain("/app/async/", TEST_SCRIPT_NAME="/app")
    answer = _only(told)

    assert (answer["path"], answer["route"], answer["stack"]) == ("/async/", "/async/", "asgi")


def test_a_pinned_prefix_is_the_rule(explain) -> None:
    """It comes before any route."""
    code, told = explain("/pinned/one/", setting=PINS)
    answer = _only(told)

    assert (code, answer["stack"], answer["agrees"]) == (0, "asgi", True)
    assert answer["edge"]["rule"]["origin"] == "/pinned/"


def test_a_prefix_that_is_stripped_is_stripped_first(explain) -> None:
    """By NGINX, on the way to ASGI, and for the WebSocket as well."""
    answer = _only(explain("/ws/lots/7/", setting=PINS)[1])
    plain = _only(explain("/ws/async/", setting=PINS)[1])

    assert (answer["protocol"], answer["path"]) == ("websocket", "/lots/7/")
    assert (plain["path"], plain["route"], plain["stack"]) == ("/async/", "/async/", "asgi")


def test_a_file_is_served_by_the_edge(explain) -> None:
    """No stack is asked for what collectstatic wrote; what it did not is the project's."""
    code, told = explain("/static/site.css")
    other, beside = explain("/static/none.css")

    assert (code, _only(told)["stack"], _only(told)["edge"]["status"]) == (0, None, 200)
    assert (other, _only(beside)["stack"]) == (1, "wsgi")


def test_a_post_is_for_no_file(explain) -> None:
    """The method is part of the question."""
    code, told = explain("/static/site.css", "--method", "post")

    assert (code, told["method"], _only(told)["stack"]) == (1, "POST", "wsgi")


@pytest.mark.parametrize(
    ("url", "status"), [("/%00", 400), ("/../x", 400), ("/" + "x" * 17000, 414)]
)
def test_what_nginx_refuses_reaches_no_stack(explain, url, status) -> None:
    """And the answer is no."""
    code, told = explain(url)

    assert (code, _only(told)["stack"], _only(told)["edge"]["status"]) == (1, None, status)


def test_another_host_than_the_edges_own_is_refused(explain) -> None:
    """Without a host in the URL, one of its own is asked for."""
    setting = {"EDGE": {"SERVER_NAMES": ["*.shop.example"]}}

    assert explain("/async/", setting=setting)[0] == 0
    assert explain("http://www.shop.example/async/", setting=setting)[0] == 0
    assert _only(explain("http://evil.example/async/", setting=setting)[1])["edge"]["status"] == 421


def test_a_person_reads_it_in_a_few_lines(project, nginx_program) -> None:
    """Labels aligned, nothing that is empty."""
    setting = {"EDGE": {"NGINX": nginx_program.program}}
    done = tandem(project, "explain", "/files/a/../b", TEST_TANDEM=json.dumps(setting))
    version = ".".join(map(str, nginx_program.version))
    line = 1 + URLS.splitlines().index("async def asynchronous(request, **_):")

    assert done.stdout == (
        "GET /files/a/../b\n"
        "  route  /files/<path:rest>\n"
        f"  view   mysite.urls.asynchronous (mysite/urls.py:{line})\n"
        "  stack  asgi: an async view\n"
        f"  edge   NGINX {version} sends it to wsgi, for no rule matches\n"
        "  then   wsgi hands it over to asgi\n"
    )


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (
            ["/nothing/"],
            'Nothing in this project answers "/nothing/": it is a 404, from wsgi.\n'
            "  `tandem plan` lists the routes there are.\n",
        ),
        (
            ["/sync"],
            'Nothing in this project answers "/sync".\n  Did you mean "/sync/"?\n',
        ),
        (
            ["ws://x/nothing/"],
            'No WebSocket is routed at "/nothing/": the handshake is refused with 404.\n'
            "  `tandem plan` lists the routes there are.\n",
        ),
        (
            ["/%00"],
            'NGINX itself refuses "/%00", with 400 Bad Request.\n  Neither stack is asked.\n',
        ),
    ],
)
def test_a_no_is_told_in_one_sentence(project, args, told) -> None:
    """With what to do about it."""
    done = tandem(project, "explain", *args)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)


def test_a_disagreement_that_stays_is_told(project) -> None:
    """After what was found."""
    setting = json.dumps({"HANDOVER": False})
    done = tandem(project, "explain", "/files/a/../b", TEST_TANDEM=setting)

    assert done.returncode == 1
    assert "  stack  wsgi: an async view\n" in done.stdout
    assert done.stderr == (
        '"/files/a/../b" belongs on asgi, and wsgi answers it.\n'
        '  With TANDEM["HANDOVER"] it would be handed over.\n'
    )


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (
            ["--header", "Upgrade"],
            'Expected a header, such as "Upgrade: websocket", got "Upgrade".',
        ),
        (["--method", "G T"], 'Expected a method, such as POST, got "G T".'),
    ],
)
def test_what_is_no_request_is_refused(project, args, told) -> None:
    """With the user's own word, and exit code 2."""
    done = tandem(project, "explain", "/", *args)

    assert done.returncode == 2
    assert done.stderr.endswith(f": {told}\n")


def test_with_debug_a_static_file_is_djangos(project) -> None:
    """As runserver has it."""
    done = tandem(project, "explain", "/static/site.css", TEST_DEBUG="1")

    assert (done.returncode, done.stderr) == (0, "")
    assert "  stack  wsgi: a static file, which Django serves while DEBUG is True\n" in done.stdout
