"""`tandem reload`: the new generation is live once it is healthy, and not before."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from nginx import certificates

from django_tandem.runtime import lock, supervisord
from django_tandem.runtime.state import read_state
from harness.client import ask, wait_for
from harness.projects import startproject
from harness.stack import Up, clean_environment, tandem

URLS = """
from django.http import HttpResponse
from django.urls import path

def where(request):
    return HttpResponse("first")

async def beside(request):
    return HttpResponse("async")

urlpatterns = [path("where/", where), path("beside/", beside)]
"""


@pytest.fixture
def site(tmp_path) -> Path:
    startproject(tmp_path)
    (tmp_path / "mysite" / "urls.py").write_text(URLS)
    configure(tmp_path, DRAIN_S=3)
    return tmp_path


def configure(directory: Path, **setting: object) -> None:
    settings = directory / "mysite" / "settings.py"
    text = settings.read_text().partition("\nTANDEM =")[0]
    settings.write_text(f"{text}\nTANDEM = {setting!r}\n")


def change(directory: Path, old: str, new: str, file: str = "urls.py") -> None:
    path = directory / "mysite" / file
    path.write_text(path.read_text().replace(old, new))


def programs(up: Up) -> set[str]:
    return {each.name for each in supervisord.statuses(up.run_dir)}


def test_the_new_code_is_live_when_reload_returns(site) -> None:
    """On both stacks; with --wait the old generation has ended. NGINX is not restarted."""
    with Up(site) as up:
        edge = supervisord.pid_of(up.run_dir, "nginx")
        change(site, '"first"', '"second"')
        change(site, '"async"', '"other"')

        done = tandem(site, "reload", "--wait")

        assert done.returncode == 0, done.stderr
        assert "Generation 2 is live." in done.stderr
        assert ask(up.port, "/where/").text == "second"
        assert ask(up.port, "/beside/").text == "other"
        assert programs(up) == {"nginx", "wsgi-2", "asgi-2"}
        assert supervisord.pid_of(up.run_dir, "nginx") == edge
        assert not [*up.run_dir.glob("*-1.sock"), *up.run_dir.glob("*.next")]


@pytest.mark.parametrize(
    ("file", "fault", "message", "code"),
    [
        ("urls.py", "one two", "can't be imported: SyntaxError", 2),
        ("wsgi.py", "raise RuntimeError('not today')", "not today", 1),
        ("wsgi.py", "import time; time.sleep(60)", "no answer within 4 s", 1),
        ("wsgi.py", "import os; os._exit(3)", "wsgi-2 can't be started", 1),
    ],
)
def test_a_reload_that_fails_changes_nothing(file, fault, message, code, site) -> None:
    """The error names the cause, the candidates are gone, and the next reload works."""
    with Up(site) as up:
        whole = (site / "mysite" / file).read_text()
        (site / "mysite" / file).write_text(f"{whole}\n{fault}\n")

        done = tandem(site, "reload", "--timeout", "4")

        assert done.returncode == code, done.stderr
        assert message in done.stderr
        assert programs(up) == {"nginx", "wsgi-1", "asgi-1"}
        assert ask(up.port, "/where/").text == "first"
        assert not list(up.run_dir.glob("*.next"))
        (site / "mysite" / file).write_text(whole)
        assert tandem(site, "reload").returncode == 0


def test_a_worker_that_cannot_load_the_project_fails_the_reload_at_once(site) -> None:
    """Uvicorn itself restarts such workers forever, and never exits."""
    configure(site, ASGI={"WORKERS": 2})
    with Up(site) as up:
        asgi = site / "mysite" / "asgi.py"
        fault = 'if "TANDEM_GENERATION" in os.environ: raise RuntimeError("not on this server")'
        asgi.write_text(f"{asgi.read_text()}\n{fault}\n")

        done = tandem(site, "reload")

        assert done.returncode == 1
        assert "asgi-2 can't be started: it can't load the project" in done.stderr
        assert "RuntimeError: not on this server" in done.stderr
        assert programs(up) == {"nginx", "wsgi-1", "asgi-1"}


def test_a_configuration_that_nginx_rejects_fails_before_anything_starts(site) -> None:
    """NGINX's own error is shown, and the edge keeps its file."""
    with Up(site) as up:
        (site / "more.conf").write_text("no_such_directive on;")
        configure(site, EDGE={"INCLUDE": "more.conf"})

        done = tandem(site, "reload")

        assert done.returncode == 1
        assert "no_such_directive" in done.stderr
        assert ask(up.port, "/where/").text == "first"
        assert programs(up) == {"nginx", "wsgi-1", "asgi-1"}


def test_a_new_route_reloads_the_edge(site) -> None:
    """NGINX's master stays, and its old workers end."""
    with Up(site) as up:
        master = psutil.Process(supervisord.pid_of(up.run_dir, "nginx"))
        old = master.children()
        change(site, "def where", "async def where")

        assert tandem(site, "reload").returncode == 0

        assert ask(up.port, "/where/").text == "first"
        assert "asgi" in _stack_of(site, "/where/")
        assert master.is_running()
        psutil.wait_procs(old, timeout=10)
        assert not [worker for worker in old if worker.is_running()]


def test_a_renewed_certificate_is_read(site, tmp_path) -> None:
    """Even if nginx.conf has not changed."""
    configure(site, EDGE={"TLS": certificates.make(tmp_path, "shop.example")})
    with Up(site) as up:
        master = psutil.Process(supervisord.pid_of(up.run_dir, "nginx"))
        before = {worker.pid for worker in master.children()}
        assert tandem(site, "reload", "--wait").returncode == 0
        assert {worker.pid for worker in master.children()} == before

        certificates.make(tmp_path, "shop.example")
        assert tandem(site, "reload", "--wait").returncode == 0

        assert before.isdisjoint(worker.pid for worker in master.children())


def test_the_first_async_view_starts_the_asgi_server(tmp_path) -> None:
    """Until then the project ran on WSGI alone."""
    startproject(tmp_path)
    (tmp_path / "mysite" / "urls.py").write_text(URLS.replace("async def", "def"))
    with Up(tmp_path) as up:
        assert programs(up) == {"nginx", "wsgi-1"}
        change(tmp_path, "def beside", "async def beside")

        assert tandem(tmp_path, "reload").returncode == 0

        assert ask(up.port, "/beside/").text == "async"
        assert {"wsgi-2", "asgi-2"} <= programs(up)


def test_a_second_reload_is_rejected(site) -> None:
    """The error names the pid of the first one."""
    change(site, "application = ", "import time; time.sleep(3)\napplication = ", "wsgi.py")
    with Up(site) as up:
        first = _reload(site)
        wait_for(lambda: lock.holder(up.run_dir, lock.RELOAD) == first.pid)

        second = tandem(site, "reload")

        assert second.returncode == 1
        assert (
            f"Another reload is in progress in {up.run_dir}, with pid {first.pid}.\n"
            in second.stderr
        )
        assert first.wait(timeout=60) == 0


def test_a_second_reload_waits_with_wait(site) -> None:
    """For the first to end; then it loads the code as it is by then."""
    change(site, "application = ", "import time; time.sleep(3)\napplication = ", "wsgi.py")
    with Up(site) as up:
        first = _reload(site)
        wait_for(lambda: lock.holder(up.run_dir, lock.RELOAD) == first.pid)
        change(site, '"first"', '"second"')

        second = tandem(site, "reload", "--wait")

        assert second.returncode == 0, second.stderr
        assert f"Waiting for the reload with pid {first.pid} to end.\n" in second.stderr
        assert "Generation 3 is live." in second.stderr
        assert first.wait(timeout=60) == 0
        assert ask(up.port, "/where/").text == "second"


def test_a_second_reload_waits_no_longer_than_its_timeout(site) -> None:
    """The first one hangs: the error names its pid."""
    change(site, "application = ", "import time; time.sleep(3)\napplication = ", "wsgi.py")
    with Up(site) as up:
        first = _reload(site)
        wait_for(lambda: lock.holder(up.run_dir, lock.RELOAD) == first.pid)
        os.kill(first.pid, signal.SIGSTOP)
        try:
            second = tandem(site, "reload", "--wait", "--timeout", "1")
        finally:
            os.kill(first.pid, signal.SIGCONT)

        assert second.returncode == 1
        assert (
            f"Another reload is in progress in {up.run_dir}, with pid {first.pid}.\n"
            in second.stderr
        )
        assert first.wait(timeout=60) == 0


def test_a_reload_without_a_stack_fails(site) -> None:
    """The hint is how to start one."""
    done = tandem(site, "reload")

    assert done.returncode == 1
    assert "Start it with `tandem up`." in done.stderr


def test_a_program_of_programs_never_runs_twice(site) -> None:
    """The new one starts when the old one has ended: two schedulers would run each job twice."""
    (site / "beat.py").write_text(
        "import signal, sys, time\n"
        "def say(word): print(word, file=open('beats', 'a'), flush=True)\n"
        "say('start')\n"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), say('end'), sys.exit()))\n"
        "while True: time.sleep(0.1)\n"
    )
    configure(site, DRAIN_S=3, PROGRAMS={"beat": [sys.executable, "beat.py"]})
    with Up(site) as up:
        wait_for((site / "beats").exists)

        assert tandem(site, "reload", "--wait").returncode == 0

        wait_for(lambda: "beat-2" in programs(up))
        wait_for(lambda: (site / "beats").read_text().split() == ["start", "end", "start"])


def test_options_of_up_hold_after_a_reload(site) -> None:
    """Such as the address given with --bind, which is in no settings."""
    with Up(site) as up:
        assert tandem(site, "reload").returncode == 0

        assert read_state(up.run_dir).port == up.port
        assert ask(up.port, "/where/").status == 200


def test_render_does_not_overwrite_files_in_use(site) -> None:
    """Only `tandem reload` changes the files of a running stack."""
    with Up(site):
        done = tandem(site, "render", "supervisor")

        assert done.returncode == 1
        assert "`tandem reload`" in done.stderr


def test_a_request_in_progress_is_finished(site) -> None:
    """By the old generation, on each stack."""
    change(site, "def where(request):", SLOW)
    change(site, "async def beside(request):", SLOW_ASYNC)
    with Up(site) as up:

        async def ask_and_reload() -> list[str]:
            asked = [
                asyncio.create_task(asyncio.to_thread(ask, up.port, path))
                for path in ("/where/", "/beside/")
            ]
            for taken in ("where.taken", "beside.taken"):
                await asyncio.to_thread(wait_for, (site / "mysite" / taken).exists)
            change(site, '"first"', '"second"')
            done = await asyncio.to_thread(tandem, site, "reload", "--wait")
            assert done.returncode == 0
            return [answer.text for answer in await asyncio.gather(*asked)]

        assert asyncio.run(ask_and_reload()) == ["first", "async"]


# Each makes a file when it has begun.
SLOW = """def where(request):
    import pathlib, time
    pathlib.Path(__file__).with_name("where.taken").touch()
    time.sleep(2)"""
SLOW_ASYNC = """async def beside(request):
    import asyncio, pathlib
    pathlib.Path(__file__).with_name("beside.taken").touch()
    await asyncio.sleep(2)"""


@pytest.mark.parametrize("step", ["Starting", "answers", "is live"])
def test_a_killed_reload_is_undone_or_finished(step, site) -> None:
    """Within seconds, by supervisord's plugin; the next reload works."""
    with Up(site) as up:
        process = _reload(site)
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
        assert ask(up.port, "/where/").text == "first"
        assert tandem(site, "reload", "--wait").returncode == 0
        assert not list(up.run_dir.glob("*.next"))


def _reload(directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "django_tandem", "reload"],
        cwd=directory,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )


def _stack_of(directory: Path, url: str) -> str:
    return json.dumps(json.loads(tandem(directory, "explain", "--json", url).stdout))
