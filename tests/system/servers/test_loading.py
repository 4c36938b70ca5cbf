"""A project is loaded where it can work: before the fork, or in each worker."""

import json

import pytest

from django_tandem.model import Stack
from django_tandem.servers import ASGI_SERVERS, find
from harness.server import process_ids, serving
from servers.conftest import title

PREFORKING = [find(Stack.WSGI, name) for name in ("gunicorn", "uwsgi")]
LINE = "The project {} when it was loaded, so each worker loads the project separately."


@pytest.mark.parametrize("server", PREFORKING, ids=title)
@pytest.mark.parametrize(
    ("module", "cause"),
    [
        ("threaded", 'started the thread "consumer"'),
        ("connected", "opened a socket"),
    ],
)
def test_a_project_that_cannot_be_forked_is_loaded_in_each_worker(
    server, directory, module, cause
) -> None:
    """A thread runs in no forked process, and a connection would be shared."""
    environment = {"TANDEM_WSGI_APPLICATION": f"project.{module}.application"}

    # Gunicorn starts itself anew.
    started = serving(server, directory, workers=2, environment=environment, may_fork=False)
    with started as running:
        names = json.loads(running.ask(path="/threads").body)
        assert running.process.pid not in process_ids(running)
        assert running.log.count(LINE.format(cause)) == 1

    assert module == "connected" or "consumer" in names


@pytest.mark.parametrize("server", PREFORKING, ids=title)
def test_another_is_forked(server, directory) -> None:
    """Its workers share its memory."""
    with serving(server, directory, workers=2) as running:
        running.ask()

        assert "loads the project separately" not in running.log


@pytest.mark.parametrize("server", ASGI_SERVERS, ids=title)
def test_a_query_while_an_asgi_project_is_imported_is_allowed(server, directory) -> None:
    """Also where the server imports it inside its running event loop."""
    environment = {"TANDEM_ASGI_APPLICATION": "project.hasty_asgi.application"}
    workers = 1 if server.one_process else 2

    with serving(server, directory, workers=workers, environment=environment) as running:
        assert running.ask(path="/awaited").body == b"awaited"
        assert "Traceback" not in running.log


@pytest.mark.parametrize("server", ASGI_SERVERS, ids=title)
def test_a_router_without_http_serves_it_by_django(server, directory) -> None:
    """An async view and a WebSocket of one project."""
    environment = {"TANDEM_ASGI_APPLICATION": "project.websockets_only.application"}

    with serving(server, directory, environment=environment) as running:
        assert running.ask(path="/awaited").body == b"awaited"


CONFIG = """

workers = 7
limit_request_field_size = 100
raw_env = ["PROJECT_RAW=1"]
worker_class = "uvicorn.workers.UvicornWorker"


def post_worker_init(worker):
    print("project's post_worker_init", flush=True)


def post_fork(server, worker):
    print("project's post_fork", flush=True)


def on_starting(server):
    print("project's on_starting", flush=True)
"""


def test_the_projects_gunicorn_file_holds_where_it_does_not_contradict(directory) -> None:
    """Each contradiction is a warning that names both values."""
    file = directory / "own.py"
    file.write_text(CONFIG)
    large = {"X-Large": "x" * 14_000}

    with serving(PREFORKING[0], directory, workers=2, args=(f"--config={file}",)) as running:
        assert running.ask(headers=large.items()).status == 200
        log = running.log

    for hook in ("post_worker_init", "post_fork", "on_starting"):
        assert f"project's {hook}" in log
    assert f'{file} sets workers to 7, but TANDEM["WSGI"]["WORKERS"] decides: 2.' in log
    assert f"{file} sets limit_request_field_size to 100, but django-tandem needs 32768." in log
    assert (
        f"{file} sets worker_class to 'uvicorn.workers.UvicornWorker', "
        "but this is the WSGI stack: 'sync'."
    ) in log
    assert "raw_env" not in log
    assert "ontrol socket" not in log
