"""What the probes see: supervisord's programs, the files of the run directory, the servers."""

import asyncio
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from supervisor.states import ProcessStates, SupervisorStates

from builders import plan, websocket
from django_tandem import output
from django_tandem.inprocess import generation_files
from django_tandem.model.state import STOPPING_FILE, planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime.probes import server_check
from django_tandem.runtime.probes.observer import StackObserver
from django_tandem.runtime.probes.report import Outcome, StackHealth, readyz, startupz
from django_tandem.runtime.state import READY_FILE
from django_tandem.runtime.supervisor.plugin import SupervisedPrograms

PROGRAMS = ("master-1", "nginx")


class Supervisord:
    """What a thread in supervisord's process sees of it."""

    def __init__(self) -> None:
        self.options = SimpleNamespace(mood=SupervisorStates.RUNNING)
        self.states = dict.fromkeys(PROGRAMS, ProcessStates.RUNNING)
        self.process_groups = {
            name: SimpleNamespace(processes={name: self._process(name)}) for name in PROGRAMS
        }

    def _process(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(get_state=lambda: self.states[name], laststart=time.time() - 100)


@pytest.fixture
def supervisord() -> Supervisord:
    return Supervisord()


@pytest.fixture
def observer(supervisord, tmp_path) -> StackObserver:
    write_state(tmp_path)
    return StackObserver(SupervisedPrograms(supervisord, time.monotonic), tmp_path)


def write_state(run_dir: Path, generation: int = 1, **tandem: object) -> None:
    tandem = {"BIND": "127.0.0.1:1", **tandem}
    planned = plan(websocket("/ws/"), run_dir=str(run_dir), tandem=tandem, generation=generation)
    output.write([state_file(planned_state(planned))], run_dir)


async def serve(path: Path, body: bytes = b"ready", status: bytes = b"200 OK") -> asyncio.Server:
    async def answer(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %s\r\n\r\n%s" % (status, body))
        writer.close()

    return await asyncio.start_unix_server(answer, path)


def observe(observer: StackObserver) -> StackHealth:
    return asyncio.run(observer.observe())


def by_name(health: StackHealth) -> dict:
    return {each.name: each for each in health.servers}


def test_each_server_is_checked(observer, tmp_path) -> None:
    """The stacks on their sockets, the edge on its address."""

    async def run() -> StackHealth:
        server = await serve(tmp_path / "wsgi-1.sock")
        try:
            return await observer.observe()
        finally:
            server.close()

    servers = by_name(asyncio.run(run()))

    assert servers.keys() == {"wsgi", "asgi", "nginx"}
    assert servers["wsgi"].unanswered_s == 0
    assert [servers[name].is_listening for name in ("asgi", "nginx")] == [False, False]
    assert 99 < servers["wsgi"].uptime_s < 200


def test_the_status_of_an_answer_counts(observer, tmp_path) -> None:
    """A stack that answers each request with 500 is not ready."""

    async def run() -> StackHealth:
        server = await serve(tmp_path / "wsgi-1.sock", status=b"500 Internal Server Error")
        try:
            return await observer.observe()
        finally:
            server.close()

    wsgi = by_name(asyncio.run(run()))["wsgi"]

    assert (wsgi.unanswered_s, wsgi.status) == (0, 500)
    assert wsgi.failing_s > 0


def test_a_program_that_does_not_run_has_no_uptime(observer, supervisord) -> None:
    """It has ended, or it was removed."""
    supervisord.states["nginx"] = ProcessStates.BACKOFF
    del supervisord.process_groups["master-1"]

    assert {each.uptime_s for each in observe(observer).servers} == {None}


@pytest.mark.parametrize("is_by_file", [True, False], ids=["file", "mood"])
def test_a_stop_is_seen_at_once(observer, supervisord, tmp_path, is_by_file) -> None:
    """And no server gets a request any more."""
    if is_by_file:
        (tmp_path / STOPPING_FILE).touch()
    else:
        supervisord.options.mood = SupervisorStates.SHUTDOWN

    health = observe(observer)

    assert health.is_stopping
    assert all(each.unanswered_s == 0 for each in health.servers)


def test_a_stop_during_the_requests_is_seen(observer, tmp_path) -> None:
    """Else the probe would name each program that the stop has ended."""

    async def stop(reader, writer) -> None:
        (tmp_path / STOPPING_FILE).touch()
        writer.close()

    async def run() -> StackHealth:
        server = await asyncio.start_unix_server(stop, tmp_path / "wsgi-1.sock")
        try:
            return await observer.observe()
        finally:
            server.close()

    assert asyncio.run(run()).is_stopping


def test_the_first_generation_is_live_once_it_is_reported(observer, tmp_path) -> None:
    """And stays so when the file is removed."""
    assert not observe(observer).is_started

    (tmp_path / READY_FILE).touch()
    assert observe(observer).is_started

    (tmp_path / READY_FILE).unlink()
    assert observe(observer).is_started


@pytest.mark.parametrize("is_running", [True, False], ids=["runs", "ended"])
def test_a_worker_alone_is_ready_once_it_runs(tmp_path, is_running) -> None:
    """It has no server to check, and no supervisord whose start would be reported."""
    planned = plan(roles="workers", channel_names=("mail",), run_dir=str(tmp_path))
    output.write([state_file(planned_state(planned))], tmp_path)
    uptime_s = 2.0 if is_running else None
    one = SimpleNamespace(is_shut_down=False, loop_age_s=None, uptime_s=lambda _program: uptime_s)

    health = observe(StackObserver(one, tmp_path))

    assert health.servers == ()
    assert [readyz(health).passes, startupz(health).passes] == [is_running, is_running]


def test_a_later_generation_was_checked_by_its_reload(observer, tmp_path) -> None:
    """It needs no file."""
    write_state(tmp_path, generation=2)

    assert observe(observer).is_started


def test_a_reload_is_followed(observer, tmp_path) -> None:
    """The sockets of the new generation are checked, and those of the old one no longer."""
    assert by_name(observe(observer))["wsgi"].unanswered_s > 0
    write_state(tmp_path, generation=2)

    async def run() -> StackHealth:
        server = await serve(tmp_path / "wsgi-2.sock")
        try:
            return await observer.observe()
        finally:
            server.close()

    assert by_name(asyncio.run(run()))["wsgi"].unanswered_s == 0


def test_a_damaged_state_keeps_the_last_one(observer, tmp_path) -> None:
    """What it described still runs."""
    observe(observer)
    (tmp_path / "state.json").write_text("{")

    assert by_name(observe(observer)).keys() == {"wsgi", "asgi", "nginx"}


def test_the_masters_heartbeat_has_an_age(observer, tmp_path) -> None:
    """None where no shared master has begun to run."""
    assert observe(observer).master_age_s is None

    generation_files.MasterHeartbeat(generation_files.HEARTBEAT.path(tmp_path, 1)).beat()
    assert observe(observer).master_age_s < 5
    before = time.monotonic() - 60
    os.utime(tmp_path / "heartbeat-1", (before, before))
    assert observe(observer).master_age_s >= 60


def test_migrations_are_ignored_by_default(observer) -> None:
    """No check is named."""
    assert observe(observer).migrations is None


def test_unapplied_migrations_are_read_until_they_are_applied(
    observer, tmp_path, monkeypatch
) -> None:
    """From a WSGI worker; once they are applied, it is not requested again."""
    monkeypatch.setattr(server_check, "FRESH_S", 0)
    write_state(tmp_path, MIGRATIONS="check")
    assert observe(observer).migrations.reason == "They have not been read yet."

    async def run(body: bytes) -> StackHealth:
        server = await serve(tmp_path / "wsgi-1.sock", body)
        try:
            return await observer.observe()
        finally:
            server.close()
            (tmp_path / "wsgi-1.sock").unlink(missing_ok=True)

    unapplied = asyncio.run(run(b'{"reason": "1 is unapplied, in shop."}')).migrations
    assert (unapplied.outcome, unapplied.reason) == (Outcome.FAIL, "1 is unapplied, in shop.")

    assert asyncio.run(run(b'{"reason": ""}')).migrations.outcome is Outcome.PASS
    assert observe(observer).migrations.outcome is Outcome.PASS
