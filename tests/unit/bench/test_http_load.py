"""Whatever a server answers with is counted for what it is."""

import asyncio

import pytest
import uvloop
from bench.answering import OK, Client, asked_of, load_on, saying

from django_tandem.bench import http_load
from django_tandem.bench.http_load import drive
from django_tandem.bench.stack import free_address

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
UNSIZED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is"


@pytest.mark.parametrize("answer", [OK, CHUNKED, EMPTY])
def test_a_connection_that_is_kept_is_asked_again(answer) -> None:
    """One connection, many answers, each with its time."""
    load, server = asked_of(saying(answer), connections=2)

    assert server.connections == 2
    assert 2 < load.answered == len(load.seconds) == len(server.requests)
    assert not load.why


def test_a_connection_that_the_server_ends_is_opened_anew() -> None:
    """As it said it would, which is no failure."""
    load, server = asked_of(saying(LAST, times=1))

    assert 1 < load.answered == server.connections == len(server.requests)
    assert not load.why


def test_an_answer_may_end_with_its_connection() -> None:
    """One that says no size is whole when the server is done."""
    load, server = asked_of(saying(UNSIZED, times=1))

    assert 1 < load.answered == server.connections
    assert not load.why


@pytest.mark.parametrize(
    "herald",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </site.css>; rel=preload\r\n\r\n",
    ],
)
def test_what_heralds_an_answer_is_none(herald) -> None:
    """Neither counted nor taken for the end of what was asked."""
    hasty: list[bool] = []

    async def heralding(client: Client) -> None:
        while await client.asked():
            client.writer.write(herald)
            try:
                hasty.append(await asyncio.wait_for(client.asked(), 0.02))
            except TimeoutError:
                client.writer.write(herald + OK)

    load, server = asked_of(heralding)

    assert hasty == []
    assert 1 < load.answered == len(server.requests)
    assert not load.why


def test_a_herald_with_nothing_behind_it_is_a_broken_connection() -> None:
    """It says no size, and yet is not the answer."""
    load, server = asked_of(saying(b"HTTP/1.1 103 Early Hints\r\n\r\n", times=1))

    assert load.answered == 0
    assert load.why == {"connection broken": server.connections}


@pytest.mark.parametrize("status", [301, 304, 400, 404, 429, 500, 503])
def test_a_status_from_300_on_is_a_failure(status) -> None:
    """A redirect is not the page. Told with the status, and no time of it counts."""
    load, server = asked_of(saying(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status))

    assert load.why == {f"status {status}": len(server.requests)}
    assert (load.answered, load.seconds) == (0, [])


@pytest.mark.parametrize("status", [200, 204])
def test_a_status_that_says_so_is_an_answer(status) -> None:
    """With or without a body."""
    load, server = asked_of(saying(b"HTTP/1.1 %d Yes\r\nContent-Length: 0\r\n\r\n" % status))

    assert 1 < load.answered == len(server.requests)
    assert not load.why


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nnot all",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    ],
)
def test_an_answer_that_breaks_off_is_a_failure(begun) -> None:
    """Wherever it does."""
    load, server = asked_of(saying(begun, times=1))

    assert load.why == {"connection broken": len(server.requests)}
    assert (load.answered, load.seconds) == (0, [])


def test_some_fail_and_others_do_not() -> None:
    """The good answers of a connection that breaks later stay counted."""

    async def thrice(client: Client) -> None:
        for _ in range(3):
            await client.asked()
            client.writer.write(OK)
        await client.asked()

    load, server = asked_of(thrice)

    assert load.answered >= 3
    assert load.why.total() == len(server.requests) - load.answered
    assert set(load.why) <= {"connection broken"}


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x50"])
def test_what_is_no_http_is_told_to_be_none(answer) -> None:
    """Somebody else listens there, or it is TLS."""
    load, server = asked_of(saying(answer))

    assert load.why == {"no HTTP": len(server.requests)}


def test_an_upgrade_that_nobody_asked_for_is_no_answer() -> None:
    """What follows is not HTTP."""
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
    load, server = asked_of(saying(switched))

    assert load.why == {"no HTTP": len(server.requests)}


def test_where_nobody_listens_is_told() -> None:
    """As the system has it, and not as fast as it can be refused."""
    port = int(free_address().rpartition(":")[2])
    load = load_on(port)
    uvloop.run(drive(load, 1))

    assert set(load.why) == {"no connection: Connection refused"}
    assert load.why.total() <= 0.2 / http_load.PAUSE_S + 1
