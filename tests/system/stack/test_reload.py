"""`tandem reload`: the new generation is live once it is healthy, and not before."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from nginx import certificates

from django_tandem.runtime import lock, supervisord
from django_tandem.runtime.state import read_state
from harness.client import ask, wait_for
from harness.forking import Fork
from harness.projects import SMALL, without_apps
from harness.stack import Up, started, tandem

URLS = """
import asyncio, time
from pathlib import Path

from django.http import HttpResponse
from django.urls import path


def where(request):
    return HttpResponse("first")


async def beside(request):
    return HttpResponse("async")


# Each makes a file when it has begun.
def slow(request):
    Path(__file__).with_name("slow.taken").touch()
    time.sleep(2)
    return HttpResponse("slow")


async def async_slow(request):
    Path(__file__).with_name("async_slow.taken").touch()
    await asyncio.sleep(2)
    return HttpResponse("async slow")


urlpatterns = [
    path("where/", where),
    path("beside/", beside),
    path("slow/", slow),
    path("async-slow/", async_slow),
]
"""
# The import of the application takes as long as this file is there.
HELD = """
import time
from pathlib import Path

while Path(__file__).with_name("held").exists():
    time.sleep(0.05)
"""

# Two on WSGI: one may serve a slow request.
FEW_WORKERS = {"WSGI": {"WORKERS": 2}, "ASGI": {"WORKERS": 1}, "MONITOR": False}


def make(directory: Path, **setting: object) -> Path:
    without_apps(directory)
    (directory / "mysite" / "urls.py").write_text(URLS)
    configure(directory, **setting)
    return directory


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    """One stack, which each test reloads."""
    with Up(make(tmp_path_factory.mktemp("reloaded"), DRAIN_S=3)) as running:
        yield running


@pytest.fixture
def site(up) -> Iterator[Path]:
    """Its project, whose code is afterwards as it was before."""
    code = {path: path.read_text() for path in (up.directory / "mysite").glob("*.py")}
    yield up.directory
    for path, text in code.items():
        path.write_text(text)


def configure(directory: Path, **setting: object) -> None:
    settings = directory / "mysite" / "settings.py"
    text = settings.read_text().partition("\nTANDEM =")[0]
    settings.write_text(f"{text}\nTANDEM = {FEW_WORKERS | setting!r}\n")


def change(directory: Path, old: str, new: str, file: str = "urls.py") -> None:
    path = directory / "mysite" / file
    path.write_text(path.read_text().replace(old, new))


def programs(up: Up) -> set[str]:
    return {each.name for each in supervisord.statuses(up.run_dir)}


def generation(up: Up) -> int:
    return read_state(up.run_dir).generation


def servers(number: int) -> set[str]:
    return {"nginx", f"master-{number}"}


def test_the_new_code_is_live_when_reload_returns(up, site) -> None:
    """On both stacks, at the same address; with --wait the old generation has ended."""
    edge, before = supervisord.pid_of(up.run_dir, "nginx"), generation(up)
    change(site, '"first"', '"second"')
    change(site, '"async"', '"other"')

    done = tandem(site, "reload", "--wait")

    assert done.returncode == 0, done.stderr
    assert f"Generation {before + 1} is live." in done.stderr
    assert ask(up.port, "/where/").text == "second"
    assert ask(up.port, "/beside/").text == "other"
    assert programs(up) == servers(before + 1)
    # NGINX was not restarted.
    assert supervisord.pid_of(up.run_dir, "nginx") == edge
    assert not [*up.run_dir.glob(f"*-{before}.sock"), *up.run_dir.glob("*.next")]
    # Of --bind, which is in no settings.
    assert read_state(up.run_dir).port == up.port


@pytest.mark.parametrize(
    ("file", "fault", "message", "code", "timeout_s"),
    [
        ("urls.py", "one two", "can't be imported: SyntaxError", 2, 30),
        ("wsgi.py", "raise RuntimeError('not today')", "not today", 1, 30),
        ("wsgi.py", "import time; time.sleep(99)", "no answer of wsgi and asgi within 4 s", 1, 4),
        ("wsgi.py", "import os; os._exit(3)", "{master} can't be started", 1, 30),
    ],
)
@pytest.mark.usefixtures("site")
def test_a_reload_that_fails_changes_nothing(file, fault, message, code, *, timeout_s, up) -> None:
    """The error names the cause, and the candidates are gone; only a hang takes the timeout."""
    before, text = generation(up), ask(up.port, "/where/").text
    change(up.directory, '"first"', '"never"')
    with (up.directory / "mysite" / file).open("a") as opened:
        opened.write(f"\n{fault}\n")

    done = tandem(up.directory, "reload", "--timeout", str(timeout_s))

    assert done.returncode == code, done.stderr
    assert message.format(master=f"master-{before + 1}") in done.stderr
    assert programs(up) == servers(before)
    assert ask(up.port, "/where/").text == text
    assert not list(up.run_dir.glob("*.next"))


def test_a_reload_with_the_traceback_names_no_command_that_prints_it(up, site) -> None:
    """Nor the place, which the traceback has."""
    with (site / "mysite" / "urls.py").open("a") as urls:
        urls.write("\nraise RuntimeError('not today')\n")

    done = tandem(site, "reload", "--traceback")

    assert done.returncode == 2
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    *_, raised, last = done.stderr.splitlines()
    assert raised == "RuntimeError: not today"
    assert last == 'The URLconf "mysite.urls" can\'t be imported: RuntimeError: not today'


def test_a_worker_that_cannot_load_the_project_fails_the_reload_at_once(up, site) -> None:
    """The traceback is the project's own."""
    before = generation(up)
    configure(site, ASGI={"WORKERS": 2})
    fault = 'if "TANDEM_GENERATION" in os.environ: raise RuntimeError("not on this server")'
    with (site / "mysite" / "asgi.py").open("a") as asgi:
        asgi.write(f"\n{fault}\n")

    done = tandem(site, "reload")

    assert done.returncode == 1
    assert f"master-{before + 1} can't be started: it can't load the project" in done.stderr
    assert "RuntimeError: not on this server" in done.stderr
    assert programs(up) == servers(before)


def test_a_configuration_that_nginx_rejects_fails_before_anything_starts(up, site) -> None:
    """NGINX's own error is shown, and the edge keeps its file."""
    before = generation(up)
    (site / "more.conf").write_text("no_such_directive on;")
    configure(site, EDGE={"INCLUDE": "more.conf"})

    done = tandem(site, "reload")

    assert done.returncode == 1
    assert "no_such_directive" in done.stderr
    assert ask(up.port, "/where/").status == 200
    assert programs(up) == servers(before)


def test_a_new_route_reloads_the_edge(up, site) -> None:
    """NGINX's master stays, and its old workers end; reloads that failed were no hindrance."""
    master = psutil.Process(supervisord.pid_of(up.run_dir, "nginx"))
    old = master.children()
    change(site, "def where", "async def where")

    assert tandem(site, "reload", "--wait").returncode == 0

    assert ask(up.port, "/where/").text == "first"
    assert "asgi" in _stack_of(site, "/where/")
    assert master.is_running()
    psutil.wait_procs(old, timeout=10)
    assert not [worker for worker in old if worker.is_running()]


def test_a_renewed_certificate_is_read(tmp_path) -> None:
    """Even if nginx.conf has not changed."""
    tls = certificates.make(tmp_path, "shop.example")
    without_apps(tmp_path, **SMALL, DRAIN_S=3, EDGE={"TLS": tls})
    with Up(tmp_path) as up:
        master = psutil.Process(supervisord.pid_of(up.run_dir, "nginx"))
        before = {worker.pid for worker in master.children()}
        assert tandem(tmp_path, "reload", "--wait").returncode == 0
        assert {worker.pid for worker in master.children()} == before

        certificates.make(tmp_path, "shop.example")
        assert tandem(tmp_path, "reload", "--wait").returncode == 0

        assert before.isdisjoint(worker.pid for worker in master.children())


def test_the_first_async_view_starts_the_asgi_server(tmp_path) -> None:
    """Until then the project ran on WSGI alone."""
    make(tmp_path)
    change(tmp_path, '    path("async-slow/", async_slow),\n', "")
    change(tmp_path, "async def beside", "def beside")
    with Up(tmp_path) as up:
        assert programs(up) == {"nginx", "wsgi-1"}
        change(tmp_path, "def beside", "async def beside")

        assert tandem(tmp_path, "reload").returncode == 0

        assert ask(up.port, "/beside/").text == "async"
        assert "master-2" in programs(up)


@pytest.fixture
def first(up, site) -> Iterator[Fork | subprocess.Popen[str]]:
    """A reload that is in progress for as long as the file `held` is there."""
    (site / "mysite" / "held").touch()
    with (site / "mysite" / "wsgi.py").open("a") as wsgi:
        wsgi.write(HELD)
    process = started(site, "reload")
    wait_for(lambda: lock.holder(up.run_dir, lock.RELOAD) == process.pid)
    try:
        yield process
    finally:
        (site / "mysite" / "held").unlink(missing_ok=True)
        process.wait()


def test_a_second_reload_is_rejected(up, site, first) -> None:
    """The error names the pid of the first one; with --wait after the timeout, if that hangs."""
    second = tandem(site, "reload")
    os.kill(first.pid, signal.SIGSTOP)
    try:
        third = tandem(site, "reload", "--wait", "--timeout", "1")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    (site / "mysite" / "held").unlink()

    message = f"Another reload is in progress in {up.run_dir}, with pid {first.pid}.\n"
    assert (second.returncode, third.returncode) == (1, 1)
    assert message in second.stderr
    assert message in third.stderr
    assert first.wait(timeout=60) == 0


def test_a_second_reload_waits_with_wait(up, site, first) -> None:
    """For the first to end; then it loads the code as it is by then."""
    before = generation(up)
    change(site, '"first"', '"latest"')
    second = started(site, "reload", "--wait")
    waiting = f"Waiting for the reload with pid {first.pid} to end.\n"
    printed = [second.stderr.readline()]
    while waiting not in printed:
        assert printed[-1]
        printed.append(second.stderr.readline())
    (site / "mysite" / "held").unlink()

    rest = second.stderr.read()
    assert second.wait(timeout=60) == 0, rest
    assert f"Generation {before + 2} is live." in rest
    assert first.wait(timeout=60) == 0
    assert ask(up.port, "/where/").text == "latest"


def test_a_reload_without_a_stack_fails(tmp_path) -> None:
    """The hint is how to start one."""
    done = tandem(make(tmp_path), "reload")

    assert done.returncode == 1
    assert "Start it with `tandem up`." in done.stderr


def test_a_program_of_programs_never_runs_twice(tmp_path) -> None:
    """The new one starts when the old one has ended: two schedulers would run each job twice."""
    (tmp_path / "beat.py").write_text(
        "import signal, sys, time\n"
        "def say(word): print(word, file=open('beats', 'a'), flush=True)\n"
        "say('start')\n"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), say('end'), sys.exit()))\n"
        "while True: time.sleep(0.1)\n"
    )
    without_apps(tmp_path, **SMALL, DRAIN_S=3, PROGRAMS={"beat": [sys.executable, "beat.py"]})
    with Up(tmp_path) as up:
        wait_for((tmp_path / "beats").exists)

        assert tandem(tmp_path, "reload", "--wait").returncode == 0

        wait_for(lambda: "beat-2" in programs(up))
        wait_for(lambda: (tmp_path / "beats").read_text().split() == ["start", "end", "start"])


def test_render_does_not_overwrite_files_in_use(site) -> None:
    """Only `tandem reload` changes the files of a running stack."""
    done = tandem(site, "render", "supervisor")

    assert done.returncode == 1
    assert "`tandem reload`" in done.stderr


def test_a_request_in_progress_is_finished(up, site) -> None:
    """By the old generation, on each stack."""
    change(site, '"slow"', '"new"')
    change(site, '"async slow"', '"new"')

    async def ask_and_reload() -> list[str]:
        asked = [
            asyncio.create_task(asyncio.to_thread(ask, up.port, path))
            for path in ("/slow/", "/async-slow/")
        ]
        for taken in ("slow.taken", "async_slow.taken"):
            await asyncio.to_thread(wait_for, (site / "mysite" / taken).exists)
        done = await asyncio.to_thread(tandem, site, "reload", "--wait")
        assert done.returncode == 0
        return [answer.text for answer in await asyncio.gather(*asked)]

    assert asyncio.run(ask_and_reload()) == ["slow", "async slow"]


@pytest.mark.parametrize("step", ["Starting", "answers", "is live"])
def test_a_killed_reload_is_undone_or_finished(step, up, site) -> None:
    """Within seconds, by supervisord's plugin; the next reload works."""
    before = ask(up.port, "/where/").text
    change(site, '"first"', f'"{step}"')
    process = started(site, "reload")
    for line in process.stderr:
        if step in line:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()

    def is_reconciled() -> bool:
        state = read_state(up.run_dir)
        return programs(up) == {each.program for each in state.processes}

    wait_for(is_reconciled, within_s=20)
    assert tandem(site, "status").returncode == 0
    assert ask(up.port, "/where/").text == (step if step == "is live" else before)
    assert tandem(site, "reload", "--wait").returncode == 0
    assert not list(up.run_dir.glob("*.next"))


def test_a_blocked_route_stays_blocked_while_it_moves(up, site) -> None:
    """At its path in the live generation, also where a command of the new code fails."""
    view, wsgi = "mysite.urls.where", site / "mysite" / "wsgi.py"
    assert tandem(site, "block", view, "--status", "410").returncode == 0
    change(site, '"where/"', '"moved/"')
    code = wsgi.read_text()
    wsgi.write_text(f"{code}\nraise RuntimeError\n")

    failed = [tandem(site, "up", "--detach").returncode, tandem(site, "reload").returncode]
    during = ask(up.port, "/where/").status
    wsgi.write_text(code)
    done = tandem(site, "reload", "--wait")
    after = [ask(up.port, path).status for path in ("/where/", "/moved/")]

    assert tandem(site, "unblock", view).returncode == 0
    assert (failed, during) == ([2, 1], 410)
    assert done.returncode == 0, done.stderr
    assert f'"{view}" is blocked until `tandem unblock {view}`.' in done.stderr.splitlines()
    assert after == [404, 410]


def _stack_of(directory: Path, url: str) -> str:
    return json.dumps(json.loads(tandem(directory, "explain", "--json", url).stdout))
