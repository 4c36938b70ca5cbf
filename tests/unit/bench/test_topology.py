"""Each topology is the same project, with the same settings except for what distinguishes it."""

from pathlib import Path

import pytest
from bench.sessions import ONE_WORKER, topologies_of

from django_tandem.bench.topology import ServerChoice, Setup, Topology

BIND = "127.0.0.1:4711"
SEVERAL = ServerChoice(wsgi=["waitress", "gunicorn"], asgi=["uvicorn"])


def _made(topology: Topology, run_dir: Path) -> Setup:
    return topology.make(run_dir, BIND)


def _words(setup: Setup) -> list[str]:
    return [word for process in setup.plan.processes for word in process.argv]


def test_topologies_are_named_by_their_stack_and_by_the_server_where_there_are_several(
    tmp_path,
) -> None:
    """The hybrid comes last, on the first of each."""
    found = topologies_of(tmp_path, choice=SEVERAL)

    assert list(found) == ["wsgi-waitress", "wsgi-gunicorn", "asgi", "hybrid"]
    assert [each.title for each in found.values()] == [
        "WSGI only (waitress)",
        "WSGI only (gunicorn)",
        "ASGI only (uvicorn)",
        "hybrid (waitress + uvicorn)",
    ]
    assert [each.has_websockets for each in found.values()] == [False, False, True, True]


@pytest.mark.parametrize("name", ["wsgi", "asgi", "hybrid"])
def test_each_topology_has_as_many_processes_that_answer(name, tmp_path) -> None:
    """However the processes are divided between the stacks."""
    setup = _made(topologies_of(tmp_path)[name], tmp_path)
    servers = {"wsgi", "asgi", "server"}

    kinds = [kind for each in setup.plan.processes for kind in each.kinds]
    assert sum(kind.workers for kind in kinds if kind.name in servers) == 2


def test_each_listens_on_the_given_address_only(tmp_path) -> None:
    """Without TLS and for any name, as no other has either."""
    edge = {"TLS": {"CERTIFICATE": "a.pem", "KEY": "b.pem"}, "SERVER_NAMES": ["lots.example"]}
    given = {**ONE_WORKER, "BIND": ["127.0.0.1:1", "127.0.0.1:2"], "EDGE": edge}
    for topology in topologies_of(tmp_path, given).values():
        plan = _made(topology, tmp_path).plan

        assert [str(bind) for bind in plan.edge.binds] == [BIND]
        assert (plan.edge.tls, plan.edge.server_names) == (None, ())


def test_the_users_arguments_are_for_the_server_they_were_meant_for(tmp_path) -> None:
    """Another one would not start with them."""
    given = {**ONE_WORKER, "WSGI": {"WORKERS": 1, "ARGS": ["--max-requests=9"]}}
    own = topologies_of(tmp_path, given)["hybrid"]
    other = topologies_of(tmp_path, given, SEVERAL)["hybrid"]

    assert "--max-requests=9" in _words(_made(own, tmp_path))
    assert "--max-requests=9" not in _words(_made(other, tmp_path))


@pytest.mark.parametrize(
    ("choice", "name", "role"),
    [
        (ServerChoice(wsgi=["waitress"], asgi=["uvicorn"]), "wsgi", "waitress, 2 threads"),
        (ServerChoice(wsgi=["gunicorn"], asgi=["daphne"]), "asgi", "daphne, 1 process"),
        (ServerChoice(wsgi=["gunicorn"], asgi=["granian"]), "asgi", "granian, 2 processes"),
    ],
)
def test_a_server_alone_says_what_it_has(choice, name, role, tmp_path) -> None:
    """As the plan does for the hybrid's own."""
    plan = _made(topologies_of(tmp_path, choice=choice)[name], tmp_path).plan

    assert role in [process.description for process in plan.processes]


def test_the_bounds_of_a_shared_master_hinder_no_other_servers(tmp_path) -> None:
    """Only the servers that share a master carry RECYCLE out."""
    given = {**ONE_WORKER, "RECYCLE": {"AGE": "1h"}}
    own = topologies_of(tmp_path, given)
    other = topologies_of(tmp_path, given, SEVERAL)

    assert "--recycle-age=3600" in _words(_made(own["hybrid"], tmp_path))
    for topology in (own["wsgi"], own["asgi"], other["hybrid"]):
        assert "--recycle-age=3600" not in _words(_made(topology, tmp_path))
