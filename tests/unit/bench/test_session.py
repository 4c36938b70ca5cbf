"""A session keeps what was measured, and says why the rest was not."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from bench.comparing import (
    PAGE,
    Told,
    kill,
    made_in,
    mute,
    one_process,
    programs_in,
    session,
    topologies_of,
)
from stack.mistaken import running_in

from django_tandem.bench import stack as running_stack
from django_tandem.bench.measured import Row
from django_tandem.bench.session import Session
from django_tandem.bench.stack import running
from django_tandem.bench.topology import Topology
from django_tandem.bench.workload import Sockets, Workload

SOCKETS = Sockets(path="/ws/", count=1)
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
class Spoilt:
    """A session in which only one topology lives to the end."""

    session: Session
    told: Told

    def row(self, topology: str) -> Row:
        return self.session.rows[PAGE.name, topology]


@pytest.fixture(scope="module")
def spoilt(directory, topologies) -> Spoilt:
    """ASGI can't start; in the second round the server of WSGI dies, and then a supervisor."""
    told = Told()
    asgi = replace(topologies["asgi"], make=one_process(topologies), environment=(("SPOILT", "1"),))
    hybrid, again = topologies["hybrid"], replace(topologies["hybrid"], name="again", title="again")
    given = session([topologies["wsgi"], asgi, hybrid, again], told, rounds=2)
    victims = {
        f"Round 2 of 2: {topologies['wsgi'].title}, GET /": "server",
        f"Round 2 of 2: {hybrid.title}, GET /": "supervisord",
    }

    def step(text: str) -> None:
        told.steps.append(text)
        if victim := victims.pop(text, ""):
            kill(programs_in(directory)[victim])

    given.step = step
    given.run()
    assert victims == {}
    return Spoilt(given, told)


def test_what_can_not_start_is_a_row_that_says_why(spoilt) -> None:
    """With the words of the project itself, and it is not tried again."""
    row = spoilt.row("asgi")

    assert row.rounds == ()
    assert row.failure.startswith("server: it does not stay up.\n")
    assert row.failure.endswith("\nRuntimeError: no such broker")
    assert len([step for step in spoilt.told.steps if "starting ASGI only" in step]) == 1


def test_a_server_that_never_listens_is_given_up(topologies, monkeypatch) -> None:
    """Uvicorn, for one, starts its processes again for ever: what it said last is the reason."""
    monkeypatch.setattr(running_stack, "START_DEADLINE_S", 4)
    given = session([replace(topologies["wsgi"], make=mute(topologies["wsgi"]))], Told())
    given.run()

    assert given.rows[PAGE.name, "wsgi"].failure == "No answer within 4 s.\nno such broker"


def test_a_server_that_dies_half_way_keeps_the_rounds_before(spoilt) -> None:
    """Whether its supervisor has started it again or not."""
    row = spoilt.row("wsgi")

    assert row.failure == "In round 2: server died once."
    assert row.numbers == (1,)
    assert [each.driven.failed for each in row.rounds] == [0]


def test_a_supervisor_that_dies_half_way_ends_its_own_topology_alone(spoilt) -> None:
    """Nothing of it is left to be asked for."""
    row = spoilt.row("hybrid")

    assert row.failure == "In round 2: Its supervisor ended."
    assert row.numbers == (1,)


def test_the_others_are_measured_to_the_end(spoilt) -> None:
    """Whatever befell those before them."""
    row = spoilt.row("again")

    assert (row.failure, row.numbers) == ("", (1, 2))
    for each in row.rounds:
        assert each.driven.answered > 0
        assert (each.driven.failed, each.driven.why) == (0, ())


def test_each_that_fails_is_told_at_once(spoilt) -> None:
    """Once each, by its title; the second round goes the other way."""
    titles = [said.partition(":")[0] for said in spoilt.told.said]

    assert titles == ["ASGI only (uvicorn)", "hybrid (gunicorn + uvicorn)", "WSGI only (gunicorn)"]


def test_what_its_processes_take_is_known(spoilt) -> None:
    """However short a round is; only the database is not asked here."""
    for topology in ("wsgi", "hybrid", "again"):
        for each in spoilt.row(topology).rounds:
            assert each.use.cpu_s >= 0
            assert each.use.memory_mb > 1
            assert each.use.threads > 0
            assert each.use.database_connections is None


def test_what_came_up_says_what_runs(spoilt) -> None:
    """The rest says nothing of it."""
    described = spoilt.session.described

    assert "asgi" not in described
    assert described["wsgi"].what == "gunicorn, 2 processes"


def test_the_hybrid_answers_on_both_stacks(topologies) -> None:
    """As the plan has it; and where it ran, nothing is left."""
    with running(topologies["hybrid"]) as stack:
        assert stack.deaths() == ""
        assert len(stack.leaders) == 3
        run_dir = stack.run_dir
    assert not run_dir.exists()


def test_a_second_ctrl_c_leaves_nothing_running(directory, topologies) -> None:
    """Whoever is impatient presses it again while all is being stopped."""
    stack = running(topologies["wsgi"])
    run_dir = stack.__enter__().run_dir

    def impatient(*_: object, **__: object) -> bool:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr("django_tandem.runtime.supervisord.stop", impatient)
    with pytest.raises(KeyboardInterrupt):
        stack.__exit__(None, None, None)

    assert not run_dir.exists()
    assert running_in(directory) == []


def test_where_there_are_no_websockets_the_rest_is_asked_all_the_same(topologies) -> None:
    """And of those alone there is a row that says so."""
    both = replace(PAGE, name="both", sockets=SOCKETS)
    given = session([topologies["wsgi"]], Told(), workload=ONLY_SOCKETS)
    given.workloads = (ONLY_SOCKETS, both)
    given.run()

    assert given.rows["ws", "wsgi"].failure == "It has no WebSockets."
    row = given.rows["both", "wsgi"]
    assert (row.failure, row.numbers) == ("", (1,))
    assert row.rounds[0].driven.sockets is None
    assert row.rounds[0].driven.answered > 0


def test_what_nothing_can_be_asked_of_is_not_started(topologies) -> None:
    """It would take its time, and tell nothing."""
    told = Told()
    given = session([topologies["wsgi"]], told, workload=ONLY_SOCKETS)
    given.run()

    assert (told.steps, told.said) == ([], [])
    assert given.rows["ws", "wsgi"].failure == "It has no WebSockets."
    assert given.described["wsgi"].what.startswith("not started")
