"""One program runs the workers of both stacks and of Channels, from one import of the project."""

import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from django_tandem import priority
from django_tandem.runtime import lock, supervisord
from django_tandem.runtime.state import read_state
from django_tandem.runtime.supervisor.plugin_processes import DRAINER
from harness.client import HELD_TIMEOUT_S, ask, wait_for
from harness.projects import channels_alone
from harness.stack import Up, tandem

# Each import of the project's views is noted, with the process that made it.
URLS = """
import asyncio, os, time
from pathlib import Path

with Path(__file__).with_name("imports.log").open("a") as log:
    print(os.getpid(), file=log)
with Path(__file__).with_name("niceness.log").open("a") as log:
    print(os.nice(0), file=log)


def sync(request):
    print("printed on wsgi")
    return HttpResponse(str(os.getpid()))


async def asynchronous(request):
    print("printed on asgi")
    return HttpResponse(str(os.getpid()))


def held(request):
    Path(__file__).with_name("held.taken").touch()
    while Path(__file__).with_name("held").exists():
        time.sleep(0.05)
    return HttpResponse("released")


def send(request):
    message = {"type": "work", "text": request.GET["text"]}
    async_to_sync(get_channel_layer().send)("lots", message)
    return HttpResponse()


urlpatterns += [
    path("sync/", sync),
    path("async/", asynchronous),
    path("held/", held),
    path("send/", send),
]
"""
CONSUMER = """
from channels.consumer import AsyncConsumer
from channels.routing import ChannelNameRouter


class Worker(AsyncConsumer):
    async def work(self, event):
        print(f"worked on {event['text']}")


application.application_mapping["channel"] = ChannelNameRouter({"lots": Worker.as_asgi()})
"""
TANDEM = {"WSGI": {"WORKERS": 3}, "ASGI": {"WORKERS": 2}, "DRAIN_S": 3}
WITHIN_S = 30
# Between two requests of a load: as fast as possible, they would take the CPUs from the reload.
PACE_S = 0.05


def make(directory: Path) -> Path:
    channels_alone(directory)
    for name, added in (("urls", URLS), ("asgi", CONSUMER)):
        file = directory / "mysite" / f"{name}.py"
        file.write_text(file.read_text() + added)
    configure(directory)
    return directory


def configure(directory: Path, **changed: object) -> None:
    settings = directory / "mysite" / "settings.py"
    text = settings.read_text().partition("\nTANDEM =")[0]
    settings.write_text(f"{text}\nTANDEM = {TANDEM | changed!r}\n")


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    """One stack, which each test leaves with a generation that serves."""
    with Up(make(tmp_path_factory.mktemp("shared"))) as running:
        yield running


def status(up: Up) -> dict[str, Any]:
    return json.loads(tandem(up.directory, "status", "--json").stdout)


def master(up: Up) -> dict[str, Any]:
    (found,) = (
        each
        for each in status(up)["processes"]
        if each["program"].startswith("master-") and each["duty"] == "serving"
    )
    return found


def kind(master: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what the status says of a kind of workers of this master."""
    (found,) = (each for each in master["kinds"] if each["name"].startswith(f"{name}-"))
    return found


def pids(master: dict[str, Any], *names: str) -> list[int]:
    return [each["pid"] for name in names for each in kind(master, name)["workers"]]


def generation(up: Up) -> int:
    return read_state(up.run_dir).generation


def programs(up: Up) -> set[str]:
    return {each.name for each in supervisord.statuses(up.run_dir)}


def drainer(up: Up) -> psutil.Process:
    children = psutil.Process(lock.holder(up.run_dir)).children()
    (found,) = (each for each in children if DRAINER in each.cmdline())
    return found


def work(up: Up, text: str) -> None:
    """Send a message to the Channels workers, and wait until one has consumed it."""
    assert ask(up.port, f"/send/?text={text}").status == 200
    wait_for(lambda: f"worked on {text}\n" in log(up, "channels"), within_s=WITHIN_S)


def log(up: Up, name: str) -> str:
    return (up.run_dir / f"{name}-{generation(up)}.log").read_text()


def test_each_kind_is_announced_as_a_separate_program_would_be(up) -> None:
    """By the names of its log and its socket."""
    for line in (
        "wsgi-1     WSGI  gunicorn, 3 processes: answers on its socket",
        "asgi-1     ASGI  uvicorn, 2 processes: answers on its socket",
        "channels-1       Channels worker for lots: runs",
    ):
        assert f"{line}\n" in up.output
    assert programs(up) == {"master-1", "monitor", "nginx", "valkey"}


def test_the_project_is_imported_once_for_all_workers(up) -> None:
    """By the command itself, and by the master."""
    noted = (up.directory / "mysite" / "imports.log").read_text().split()

    assert [int(each) for each in noted] == [up.process.pid, master(up)["pid"]]


def test_each_kind_is_listed_with_its_workers(up) -> None:
    """The figures of the master are those of all of them."""
    work(up, "first")
    found = master(up)
    kinds = {each["name"]: each for each in found["kinds"]}

    assert list(kinds) == ["wsgi-1", "asgi-1", "channels-1"]
    assert [each["state"] for each in kinds.values()] == ["ready"] * 3
    assert [each["stack"] for each in kinds.values()] == ["wsgi", "asgi", ""]
    assert [len(each["workers"]) for each in kinds.values()] == [3, 2, 1]
    assert [each["planned_workers"] for each in kinds.values()] == [3, 2, 1]
    assert [each["ready_workers"] for each in kinds.values()] == [3, 2, 1]
    assert kinds["wsgi-1"]["connections"] == 0
    assert kinds["channels-1"]["connections"] is None
    assert (found["state"], found["stack"], found["restarts"]) == ("ready", "", 0)
    assert found["memory_pss_mb"] > sum(each["memory_pss_mb"] for each in kinds.values())
    assert all(
        psutil.Process(worker["pid"]).ppid() == found["pid"]
        for each in kinds.values()
        for worker in each["workers"]
    )


def test_the_table_has_a_row_for_each_kind(up) -> None:
    """Below that of the master."""
    rows = tandem(up.directory, "status").stdout.splitlines()[3:]

    assert [row.split()[0] for row in itertools.takewhile(bool, rows)] == [
        *("master-1", "wsgi-1", "asgi-1", "channels-1", "monitor", "nginx", "valkey"),
    ]


def test_each_kind_writes_its_own_log(up) -> None:
    """`tandem logs` takes its name, and the output of `tandem up` begins each line with it."""
    assert ask(up.port, "/sync/").status == ask(up.port, "/async/").status == 200
    work(up, "second")

    assert "worked on second\n" in tandem(up.directory, "logs", "channels").stdout
    for name in ("wsgi", "asgi"):
        assert tandem(up.directory, "logs", name, "-n", "1").stdout == (
            f"{name}-1     | printed on {name}\n"
        )
        wait_for(lambda name=name: f"{name}-1     | printed on {name}\n" in up.stdout)
    assert "printed on" not in tandem(up.directory, "logs", "master").stdout
    wait_for(lambda: "channels-1 | worked on second\n" in up.stdout)


@pytest.mark.parametrize("name", ["wsgi", "asgi", "channels"])
def test_a_killed_worker_is_replaced_and_counted(up, name) -> None:
    """By the master, which goes on."""
    before = master(up)
    killed, *others = pids(before, name)
    os.kill(killed, signal.SIGKILL)

    def again() -> bool:
        found = pids(master(up), name)
        return len(found) == len(others) + 1 and killed not in found

    wait_for(again, within_s=WITHIN_S)
    now = master(up)
    assert kind(now, name)["restarts"] == kind(before, name)["restarts"] + 1
    assert now["pid"] == before["pid"]
    assert ask(up.port, "/sync/").status == ask(up.port, "/async/").status == 200
    work(up, f"after-{name}")


def test_a_killed_master_leaves_no_worker_and_is_restarted(up) -> None:
    """Also none that is blocked. Requests are served again, and Channels workers consume."""
    found = master(up)
    before, killed = pids(found, "wsgi", "asgi", "channels"), found["pid"]
    # SIGTERM stays pending in it, as in a worker that is blocked for good.
    os.kill(before[0], signal.SIGSTOP)
    os.kill(killed, signal.SIGKILL)

    wait_for(lambda: not any(map(psutil.pid_exists, before)), within_s=WITHIN_S)
    wait_for(lambda: status(up)["is_ready"], within_s=WITHIN_S)
    found = master(up)
    assert found["pid"] != killed
    assert found["restarts"] == 1
    assert ask(up.port, "/sync/").status == ask(up.port, "/async/").status == 200
    work(up, "after-the-master")


class Load:
    """Requests to both stacks, for the length of the block."""

    def __init__(self, up: Up) -> None:
        self.failed: list[str] = []
        self.answered = 0
        self._up, self._ended = up, threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(path,)) for path in ("/sync/", "/async/")
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _send(self, path: str) -> None:
        while not self._ended.wait(PACE_S):
            try:
                answer = ask(self._up.port, path)
            except OSError as error:
                self.failed.append(f"{path}: {error!r}")
                continue
            if answer.status != 200:
                self.failed.append(f"{path}: {answer.status}")
            self.answered += 1


def test_no_request_fails_while_the_master_is_replaced(up) -> None:
    """The new one imports the project once, and the old one ends with all its workers."""
    imports = up.directory / "mysite" / "imports.log"
    niceness = imports.with_name("niceness.log")
    imports.unlink()
    niceness.unlink()
    before = generation(up)
    old = master(up)
    with Load(up) as load:
        done = tandem(up.directory, "reload", "--wait")

    assert done.returncode == 0, done.stderr
    assert load.failed == []
    assert load.answered > 20
    assert len(imports.read_text().split()) == 2
    # They leave the CPUs to the workers. The master does where it may have its priority back.
    assert niceness.read_text().split() == ["10", "10" if priority.may_raise() else "0"]
    assert psutil.Process(master(up)["pid"]).nice() == 0
    assert programs(up) == {f"master-{before + 1}", "monitor", "nginx", "valkey"}
    assert not any(
        psutil.pid_exists(worker["pid"]) for each in old["kinds"] for worker in each["workers"]
    )
    assert not [*up.run_dir.glob(f"*-{before}.sock")]
    work(up, "after-a-reload")


def test_the_old_channels_workers_end_as_the_drain_begins(up) -> None:
    """
    Though a request holds the old master, no old code consumes a message.

    The drainer waits for it at the priority of the WSGI workers.
    """
    held = up.directory / "mysite" / "held"
    held.touch()
    before, old = generation(up), pids(master(up), "channels")
    with ThreadPoolExecutor() as pool:
        request = pool.submit(ask, up.port, "/held/", timeout_s=HELD_TIMEOUT_S)
        try:
            wait_for((held.parent / "held.taken").exists, within_s=WITHIN_S)
            done = tandem(up.directory, "reload")
            assert done.returncode == 0, done.stderr
            wait_for(lambda: not any(map(psutil.pid_exists, old)), within_s=WITHIN_S)

            assert f"master-{before}" in programs(up)
            assert not request.done()
            assert drainer(up).nice() == 10
        finally:
            held.unlink()
        assert request.result().text == "released"
    work(up, "after-the-drain")


def test_a_broken_generation_is_refused_with_its_traceback(up) -> None:
    """The old one keeps serving, and nothing of the new one is left."""
    asgi = up.directory / "mysite" / "asgi.py"
    code, before = asgi.read_text(), generation(up)
    # The command itself imports it: only the master fails.
    broken = 'import os\nif "TANDEM_GENERATION" in os.environ: raise RuntimeError("broken")\n'
    asgi.write_text(broken + code)
    try:
        done = tandem(up.directory, "reload")
    finally:
        asgi.write_text(code)

    assert done.returncode == 1
    assert f"Generation {before + 1} failed its health check." in done.stderr
    assert f"master-{before + 1} can't be started: it can't load the project" in done.stderr
    assert "RuntimeError: broken" in done.stderr
    assert programs(up) == {f"master-{before}", "monitor", "nginx", "valkey"}
    assert ask(up.port, "/sync/").status == ask(up.port, "/async/").status == 200


def test_a_generation_whose_channels_worker_fails_is_refused(up) -> None:
    """Both stacks of the new one answer; the old worker still consumes."""
    settings = up.directory / "mysite" / "settings.py"
    code, before = settings.read_text(), generation(up)
    # As above, and only the Channels worker reads it.
    broken = '\nif "TANDEM_GENERATION" in os.environ: ASGI_APPLICATION = "mysite.asgi.missing"\n'
    settings.write_text(f"import os\n{code}{broken}")
    try:
        done = tandem(up.directory, "reload")
    finally:
        settings.write_text(code)

    assert done.returncode == 1
    assert f"master-{before + 1} can't be started: it can't load the project" in done.stderr
    assert "ImproperlyConfigured" in done.stderr
    assert programs(up) == {f"master-{before}", "monitor", "nginx", "valkey"}
    work(up, "after-the-refusal")


def test_the_setting_may_change_between_two_generations(up) -> None:
    """From one master to separate programs, and back, without a failed request."""
    before = generation(up)
    apart = {
        *(f"{name}-{before + 1}" for name in ("wsgi", "asgi", "channels")),
        *("monitor", "nginx", "valkey"),
    }
    for shared, expected in (
        (False, apart),
        (True, {f"master-{before + 2}", "monitor", "nginx", "valkey"}),
    ):
        configure(up.directory, SHARED_MASTER=shared)
        with Load(up) as load:
            done = tandem(up.directory, "reload", "--wait")

        assert done.returncode == 0, done.stderr
        assert (load.failed, programs(up)) == ([], expected)
        work(up, f"shared-{shared}")


def test_preload_and_recycle_reach_the_master(up) -> None:
    """Each worker loads the project, and is replaced after its number of requests."""
    imports = up.directory / "mysite" / "imports.log"
    imports.unlink()
    configure(up.directory, PRELOAD=False, RECYCLE={"REQUESTS": 10})
    try:
        assert tandem(up.directory, "reload", "--wait").returncode == 0
    finally:
        configure(up.directory)
    found = master(up)
    first = {*pids(found, "wsgi", "asgi")}

    assert first <= set(map(int, imports.read_text().split()))
    assert str(found["pid"]) not in imports.read_text().split()
    for path in ("/sync/", "/async/"):
        wait_for(lambda path=path: int(ask(up.port, path).text) not in first, within_s=WITHIN_S)


def test_a_stop_leaves_no_process(up) -> None:
    """Within the time of a container's stop. The last of all: nothing runs any more."""
    family = psutil.Process(up.process.pid).children(recursive=True)
    began = time.monotonic()

    assert up.stop() == 0
    assert time.monotonic() - began < 10
    assert not any(_is_alive(each) for each in family)
    assert not list(up.run_dir.glob("*.sock"))


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
