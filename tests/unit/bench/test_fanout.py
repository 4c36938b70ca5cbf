"""WebSockets that this machine can't hold are refused before anything is started."""

from dataclasses import replace

import pytest

from builders import host, plan, websocket
from django_tandem.bench.fanout import require_open_files, with_connections
from django_tandem.errors import RefusedError


def test_a_limit_of_open_files_that_is_too_low_is_refused() -> None:
    """One server process may have all of them."""
    require_open_files(10_000, 2, 10_256)

    with pytest.raises(RefusedError) as raised:
        require_open_files(10_000, 2, 4096)
    assert raised.value.message == (
        "10000 WebSockets may need 10256 open files in one server process, and 4096 are allowed "
        "here."
    )
    assert raised.value.hint == (
        "Raise the limit first: `ulimit -n 10256`, or LimitNOFILE= of a systemd unit."
    )


def test_the_edge_gets_connections_for_all_of_them() -> None:
    """Two each, and more for a worker that has more than its share."""
    given = plan(websocket("/ws/"), on=host(open_files=1_048_576))

    assert with_connections(given, 100, 1_048_576) == given
    found = with_connections(given, 10_000, 1_048_576)
    assert found.edge.worker_connections >= 12_500
    assert replace(found, edge=given.edge) == given


def test_an_edge_that_has_too_few_connections_is_refused() -> None:
    """With the limit that would do."""
    given = plan(websocket("/ws/"), on=host(open_files=4096))

    with pytest.raises(RefusedError) as raised:
        with_connections(given, 10_000, 4096)
    assert raised.value.message == (
        "10000 WebSockets may need 12500 connections in each of 2 workers of NGINX, and 4096 open "
        "files allow 3072 here."
    )
    assert raised.value.hint == (
        "Raise the limit first: `ulimit -n 16667`, or LimitNOFILE= of a systemd unit."
    )


def test_a_standalone_server_needs_no_edge() -> None:
    """Its plan does not change."""
    given = plan(websocket("/ws/"), roles="asgi", tandem={"ASGI": {"BIND": "127.0.0.1:8001"}})

    assert with_connections(given, 10_000, 4096) == given
