"""A host of two roles is supervised, and passes the requests of the third to another host."""

import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nginx.peers import SECRET, answering

from django_tandem.runtime.state import read_state
from harness.client import ask
from harness.projects import startproject
from harness.stack import Up, free_port, tandem

SETTINGS = """
TANDEM = {{
    "PEERS": {{"ASGI": ["127.0.0.1:{asgi}"], "SECRET": "{secret}"}},
    "ROUTES": [("/admin/", "asgi")],
    "WSGI": {{"WORKERS": 1}},
}}
"""
DUMMY = 'DATABASES = {"default": {"ENGINE": "django.db.backends.dummy"}}\n'
HANDED_BACK = (
    b"HTTP/1.1 200 OK\r\nX-Accel-Redirect: @tandem_handed_wsgi\r\nContent-Length: 0\r\n\r\n"
)


@pytest.fixture(scope="module")
def asgi_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def directory(asgi_port) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        made = startproject(Path(path))
        settings = made / "mysite" / "settings.py"
        settings.write_text(
            settings.read_text() + SETTINGS.format(asgi=asgi_port, secret=SECRET) + DUMMY
        )
        yield made


@pytest.fixture(scope="module")
def host(directory) -> Iterator[Up]:
    """The edge and WSGI, by the variable of the environment."""
    with Up(directory, environment={"TANDEM_ROLE": "edge,wsgi"}) as up:
        yield up


def programs(up: Up) -> list[str]:
    state = read_state(up.run_dir)
    assert state is not None
    return [process.program for process in state.processes]


def test_only_its_roles_run(host) -> None:
    """Beside the monitor; it is ready without its peers."""
    assert "The roles of this host are edge,wsgi.\n" in host.output
    assert programs(host) == ["monitor", "wsgi-1", "nginx"]
    assert ask(host.port, "/").status == 200
    assert ask(host.port, "/admin/").status == 503


def test_its_edge_passes_requests_to_its_peers(host, asgi_port) -> None:
    """And a peer may hand one over to the stack of this host, which knows the secret."""
    with answering(asgi_port):
        assert ask(host.port, "/admin/").text == "ok"
    with answering(asgi_port, HANDED_BACK):
        assert ask(host.port, "/admin/").status == 302


def test_a_reload_keeps_the_roles(host) -> None:
    """In an environment without the variable, too."""
    done = tandem(host.directory, "reload")

    assert done.returncode == 0, done.stderr
    assert programs(host) == ["monitor", "wsgi-2", "nginx"]
    assert ask(host.port, "/").status == 200


def test_no_output_has_the_secret(host) -> None:
    """The files are compared, with the roles of the running stack."""
    settings = host.directory / "mysite" / "settings.py"
    before = settings.read_text()
    settings.write_text(before.replace(SECRET, SECRET.swapcase()))
    try:
        found = [
            tandem(host.directory, "render", name, "--check") for name in ("nginx", "supervisor")
        ]
    finally:
        settings.write_text(before)

    assert [each.returncode for each in found] == [1, 1]
    for each in found:
        assert "sha256:" in each.stdout
        assert SECRET not in each.stdout
        assert SECRET.swapcase() not in each.stdout
    assert SECRET not in host.output
    assert SECRET not in tandem(host.directory, "plan", "--json", "--role", "edge,wsgi").stdout


def test_a_secret_is_replaced_without_an_error(host) -> None:
    """By three reloads, as the documentation says, under requests all the time."""
    settings = host.directory / "mysite" / "settings.py"
    before, new = settings.read_text(), SECRET.swapcase()
    is_done = threading.Event()

    def statuses() -> set[int]:
        found = set()
        while not is_done.wait(0.03):
            found.add(ask(host.port, "/").status)
        return found

    with ThreadPoolExecutor() as pool:
        asked = pool.submit(statuses)
        try:
            for secrets in (f"{SECRET} {new}", f"{new} {SECRET}", new):
                settings.write_text(before.replace(SECRET, secrets))
                assert tandem(host.directory, "reload").returncode == 0
        finally:
            is_done.set()
        assert asked.result() == {200}
    assert new in (host.run_dir / "nginx.conf").read_text()


def test_what_this_host_alone_has_is_refused(directory) -> None:
    """Nothing is started; the whole project on one host is fine."""
    settings = directory / "mysite" / "settings.py"
    before = settings.read_text()
    settings.write_text(before.replace(DUMMY, ""))
    try:
        refused = tandem(directory, "check", "--role", "wsgi,asgi")
        whole = tandem(directory, "check", "--role", "all")
    finally:
        settings.write_text(before)

    assert refused.returncode == 1
    assert (
        'DATABASES: (tandem.E016) DATABASES["default"] is an SQLite database, which only this host '
        'reaches, and the roles are "wsgi,asgi".\n' in refused.stdout
    )
    assert "E016" not in whole.stdout


def test_a_host_of_any_role_explains_a_url(directory) -> None:
    """As one with an edge does."""
    found = [tandem(directory, "explain", "/admin/", TANDEM_ROLE=role) for role in ("", "wsgi")]

    assert [each.returncode for each in found] == [0, 0]
    assert found[0].stdout == found[1].stdout
    assert "sends it to asgi" in found[1].stdout


def test_a_role_that_does_not_exist_is_an_error(directory) -> None:
    """On the command line and in the environment, with exit code 2."""
    sentence = (
        'Expected roles such as "edge,wsgi", of edge, wsgi, asgi and workers, or "all", got "web".'
    )
    by_option = tandem(directory, "up", "--role", "web")
    by_variable = [
        tandem(directory, *args, TANDEM_ROLE="web") for args in (["plan"], ["check", "--json"])
    ]

    assert by_option.returncode == 2
    assert sentence in by_option.stderr
    assert [each.returncode for each in by_variable] == [2, 2]
    assert [each.stderr for each in by_variable] == [f"TANDEM_ROLE: {sentence}\n"] * 2
