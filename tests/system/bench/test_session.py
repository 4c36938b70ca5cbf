"""A session keeps finished rounds, and reports why others are missing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from bench.sessions import (
    PAGE,
    Progress,
    hanging,
    kill,
    made_in,
    one_process,
    programs_in,
    session,
    topologies_of,
)
from stack.mistaken import running_in

from django_tandem.bench import launch
from django_tandem.bench.launch import running
from django_tandem.bench.results import ResultRow
from django_tandem.bench.session import Session
from django_tandem.bench.topology import Topology
from django_tandem.bench.workload import WebSockets, Workload

SOCKETS = WebSockets(path="/ws/", count=1)
ONLY_SOCKETS = Workload(name="ws", path=None, sockets=SOCKETS)


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Iterator[Path]:
    made = made_in(tmp_path_factory.mktemp("compared"))
    yield made
    assert running_in(made) == []


@pytest.fixture(scope="module")
def topologies(directory) -> dict[str, Topology]:
    return topologies_of(directory)


@dataclass
class BrokenSession:
    """A session in which one topology finishes."""

    session: Session
    progress: Progress

    def row(self, topology: str) -> ResultRow:
        return self.session.rows[PAGE.name, topology]


@pytest.fixture(scope="module")
def broken(directory, topologies) -> BrokenSession:
    """ASGI can't start; in round 2 the WSGI server is killed, then a supervisord."""
    progress = Progress()
    asgi = replace(topologies["asgi"], make=one_process(topologies), environment=(("BROKEN", "1"),))
    hybrid, again = topologies["hybrid"], replace(topologies["hybrid"], name="again", title="again")
    given = session([topologies["wsgi"], asgi, hybrid, again], progress, rounds=2)
    victims = {
        f"Round 2 of 2: {topologies['wsgi'].title}, GET /": "server",
        f"Round 2 of 2: {hybrid.title}, GET /": "supervisord",
    }

    def step(text: str) -> None:
        progress.steps.append(text)
        if victim := victims.pop(text, ""):
            kill(programs_in(directory)[victim])

    given.report_step = step
    given.run()
    assert victims == {}
    return BrokenSession(given, progress)


def test_a_topology_that_does_not_start_has_a_row_with_the_reason(broken) -> None:
    """The reason is the project's own error; the topology is not started again."""
    row = broken.row("asgi")

    assert row.rounds == ()
    assert row.failure.startswith("server: it exited with code 1 right after its start.\n")
    assert row.failure.endswith("\nRuntimeError: no such broker")
    assert len([step for step in broken.progress.steps if "starting ASGI only" in step]) == 1


def test_a_server_that_never_listens_times_out(topologies, monkeypatch) -> None:
    """The failure has the last lines of its log: Uvicorn restarts its workers forever."""
    monkeypatch.setattr(launch, "START_DEADLINE_S", 4)
    given = session([replace(topologies["wsgi"], make=hanging(topologies["wsgi"]))], Progress())
    given.run()

    assert given.rows[PAGE.name, "wsgi"].failure == "No response within 4 s.\nno such broker"


def test_a_server_that_exits_keeps_its_earlier_rounds(broken) -> None:
    """Restarted or not."""
    row = broken.row("wsgi")

    assert row.failure == "In round 2: server exited once."
    assert row.numbers == (1,)
    assert [each.driven.failed for each in row.rounds] == [0]


def test_a_supervisord_that_is_killed_ends_only_its_own_topology(broken) -> None:
    """The rest of the session continues."""
    row = broken.row("hybrid")

    assert row.failure == "In round 2: Its supervisor ended."
    assert row.numbers == (1,)


def test_other_topologies_finish(broken) -> None:
    """A failure of one topology does not affect another."""
    row = broken.row("again")

    assert (row.failure, row.numbers) == ("", (1, 2))
    for each in row.rounds:
        assert each.driven.answered > 0
        assert (each.driven.failed, each.driven.why) == (0, ())


def test_each_failure_is_reported_once(broken) -> None:
    """By the title of the topology, in the order of the rounds."""
    titles = [each.partition(":")[0] for each in broken.progress.failures]

    assert titles == ["ASGI only (uvicorn)", "hybrid (gunicorn + uvicorn)", "WSGI only (gunicorn)"]


def test_each_round_has_its_resource_usage(broken) -> None:
    """Also a short round."""
    for topology in ("wsgi", "hybrid", "again"):
        for each in broken.row(topology).rounds:
            assert each.use.cpu_s >= 0
            assert each.use.memory_mb > 1
            assert each.use.threads > 0
            assert each.use.database_connections is None


def test_a_topology_that_started_has_a_summary(broken) -> None:
    """One that did not start has none."""
    summaries = broken.session.summaries

    assert "asgi" not in summaries
    assert summaries["wsgi"].what == "gunicorn, 2 processes"


def test_the_hybrid_runs_both_stacks(topologies) -> None:
    """Under one master, behind the edge; it leaves no directory."""
    with running(topologies["hybrid"]) as stack:
        assert stack.exits() == ""
        assert stack.what.startswith("gunicorn, 1 process; uvicorn, 1 process; NGINX ")
        assert len(stack.server_pids) == 2
        run_dir = stack.run_dir
    assert not run_dir.exists()


def test_a_second_ctrl_c_leaves_nothing_running(directory, topologies) -> None:
    """It comes while the topology is being stopped."""
    stack = running(topologies["wsgi"])
    run_dir = stack.__enter__().run_dir

    def second_ctrl_c(*_: object, **__: object) -> bool:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr("django_tandem.runtime.supervisord.stop_stack", second_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        stack.__exit__(None, None, None)

    assert not run_dir.exists()
    assert running_in(directory) == []


def test_a_topology_without_websockets_gets_the_http_part(topologies) -> None:
    """A workload of WebSockets only has a row with the reason."""
    both = replace(PAGE, name="both", sockets=SOCKETS)
    given = session([topologies["wsgi"]], Progress(), workload=ONLY_SOCKETS)
    given.workloads = (ONLY_SOCKETS, both)
    given.run()

    assert given.rows["ws", "wsgi"].failure == "It has no WebSockets."
    row = given.rows["both", "wsgi"]
    assert (row.failure, row.numbers) == ("", (1,))
    assert row.rounds[0].driven.sockets is None
    assert row.rounds[0].driven.answered > 0


def test_a_topology_without_applicable_workload_is_not_started(topologies) -> None:
    """It has a row with the reason."""
    progress = Progress()
    given = session([topologies["wsgi"]], progress, workload=ONLY_SOCKETS)
    given.run()

    assert (progress.steps, progress.failures) == ([], [])
    assert given.rows["ws", "wsgi"].failure == "It has no WebSockets."
    assert given.summaries["wsgi"].what.startswith("not started")
