"""Where the loaded project can't be forked, each worker loads it, and one line names the cause."""

import functools
import json

import pytest

from harness import master as harness
from harness.client import wait_for

# A master that can't preload starts itself anew.
serving = functools.partial(harness.serving, may_fork=False)
starting = functools.partial(harness.starting, may_fork=False)

LEFTOVERS = [
    ("thread", 'started the thread "flags-poller" of mastersite.leftovers.thread'),
    (
        "opentelemetry",
        'started the thread "OtelBatchSpanRecordProcessor" of opentelemetry.sdk._shared_internal',
    ),
    ("pool", 'started the thread "'),
    ("connection", "opened a socket bound to 127.0.0.1:"),
    ("nested_loops", "opened an event loop"),
]
END = " when it was loaded, so each worker loads the project separately."


@pytest.mark.parametrize(("leftover", "cause"), LEFTOVERS, ids=[name for name, _ in LEFTOVERS])
def test_what_the_import_leaves_behind_is_named(directory, leftover, cause) -> None:
    """A thread by its name and module, a socket by its address."""
    with serving(directory, wsgi=1, asgi=1, environment={"LEFTOVER": leftover}) as master:
        workers = master.workers("wsgi") | master.workers("asgi")
        lines = [
            line for line in master.log().splitlines() if "each worker loads the project" in line
        ]

        # The master, before it started again, and then each worker.
        assert set(map(int, master.imports[1:])) == workers
        assert len(lines) == 1
        assert lines[0].startswith(f"The project {cause}")
        assert lines[0].endswith(END)
        assert master.ask("asgi", "/awaited?s=0").status == 200


def test_sentry_leaves_nothing_behind(directory) -> None:
    """Its threads start with the first event, in each worker."""
    with serving(directory, environment={"LEFTOVER": "sentry"}) as master:
        assert master.imports == [str(master.process.pid)]
        assert "each worker loads the project" not in master.log()


def test_daphne_among_the_applications_leaves_nothing_behind(directory) -> None:
    """It makes an event loop for a server that does not run here."""
    environment = {"LEFTOVER": "daphne_application"}
    with serving(directory, environment=environment) as master:
        assert master.imports == [str(master.process.pid)]
        assert master.ask("wsgi").status == 200
        assert master.ask("asgi", "/awaited?s=0").status == 200
        assert master.log() == ""


@pytest.mark.parametrize("preload", ["auto", True], ids=["auto", "always"])
def test_a_context_processor_that_starts_a_thread_is_left_to_the_requests(
    directory, preload
) -> None:
    """Until then the master shares the rest of the project, which it loads once more."""
    environment = {"CONTEXT_PROCESSOR": "thread"}
    with serving(directory, environment=environment, preload=preload) as master:
        assert master.imports == [str(master.process.pid)] * 2
        assert master.ask("wsgi").status == 200
        assert master.log().splitlines() == [
            'The project started the thread "flags-poller" of mastersite.leftovers.thread when '
            "what a first request needs was loaded, so each worker loads it at its first request."
        ]


def test_a_variable_that_a_context_processor_sets_is_not_the_asgi_modules(directory) -> None:
    """The workers of both stacks have it, as both are forked later."""
    with serving(directory, environment={"CONTEXT_PROCESSOR": "variable"}) as master:
        assert master.imports == [str(master.process.pid)]
        assert "TOKENIZERS_PARALLELISM" in json.loads(master.ask("wsgi", "/environment").body)
        assert "each worker loads the project" not in master.log()


def test_a_module_that_contradicts_the_other_is_named(directory) -> None:
    """WSGI workers must not have what only the ASGI module sets."""
    with serving(directory, environment={"ASGI_SETS": "1"}) as master:
        variables = json.loads(master.ask("wsgi", "/environment").body)

        assert "PROJECT_STACK" not in variables
        assert json.loads(master.ask("asgi", "/environment").body)["PROJECT_STACK"] == "asgi"
        assert (
            "The module mastersite.asgi changes the variable PROJECT_STACK when the project is "
            "loaded, so each worker loads the project separately. With "
            'TANDEM["SHARED_MASTER"] = False, the WSGI workers would share what they import.\n'
        ) in master.log()


def test_a_patched_standard_library_stays_with_the_module_that_patches_it(directory) -> None:
    """An event loop does not run on gevent's threads: the ASGI workers load asgi.py alone."""
    with serving(directory, environment={"WSGI_PATCHES": "1"}) as master:
        assert master.ask("wsgi").status == 200
        assert master.ask("asgi", "/awaited?s=0").status == 200
        assert (
            "The module mastersite.wsgi patches the standard library by gevent when the project "
            "is loaded, so each worker loads the project separately."
        ) in master.log()


def test_preload_forks_such_a_project_if_the_setting_asks_for_it(directory) -> None:
    """And the line still names what it leaves behind."""
    with serving(directory, environment={"LEFTOVER": "thread"}, preload=True) as master:
        assert master.imports == [str(master.process.pid)]
        assert (
            'The project started the thread "flags-poller" of mastersite.leftovers.thread when it '
            'was loaded. TANDEM["PRELOAD"] is True, so the workers are forked anyway.'
        ) in master.log()


def test_without_preloading_each_worker_imports_the_project(directory) -> None:
    """If the setting asks for it."""
    with serving(directory, wsgi=2, asgi=1, preload=False) as master:
        wait_for(lambda: len(master.imports) == 3)

        assert str(master.process.pid) not in master.imports
        assert master.log() == ""


def test_a_failure_in_a_worker_is_recorded_as_the_masters(directory) -> None:
    """The master ends with Gunicorn's code for a worker that fails to boot."""
    environment = {"LEFTOVER": "missing"}
    with starting(directory, preload=False, environment=environment) as master:
        assert master.process.wait(30) == 3

    failure = (directory / "master-1.failed").read_text()
    assert "No module named 'mastersite.leftovers.missing'" in failure
