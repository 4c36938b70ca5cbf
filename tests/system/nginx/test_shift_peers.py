"""A route is shifted where a stack runs on other hosts: on trial, and at home."""

from contextlib import ExitStack

import pytest
from nginx.edges import Edge
from nginx.peers import HOST, answering, running

from builders import shift
from django_tandem.model import Stack
from django_tandem.runtime import shifts
from django_tandem.shift.samples import Sample, parse
from harness.client import wait_for
from harness.stack import free_port

OF = {
    name: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name.encode())
    for name in ("wsgi", "asgi")
}
FAILED = b"HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nbroke"
LOG = ("include monitor[.]conf;", "access_log shift.tsv tandem_shift if=$tandem_side;")
# Which of several peers is first is a matter of chance.
TIMES = 8


@pytest.fixture
def ports() -> dict[str, tuple[int, int]]:
    return {name: (free_port(), free_port()) for name in OF}


@pytest.fixture
def edge(nginx_program, ports):
    """An edge with the Channels worker, so that a program can watch the shift."""
    peers = {name.upper(): [f"{HOST}:{port}" for port in of] for name, of in ports.items()}
    with running(nginx_program, peers, roles="edge,workers", naive=(LOG,)) as found:
        yield found


def split(edge: Edge, *given) -> None:
    with shifts.changing(edge.directory) as kept:
        kept[:] = given


def samples(edge: Edge, count: int) -> list[Sample]:
    """Return what the edge has logged of so many requests."""
    path = edge.directory / "shift.tsv"
    lines = wait_for(lambda: (found := path.read_text().splitlines())[count - 1 :] and found)
    return [each for each in map(parse, lines) if each is not None]


@pytest.mark.parametrize(
    ("path", "to", "home"), [("/sync/", "asgi", "wsgi"), ("/async/", "wsgi", "asgi")]
)
def test_a_peer_on_trial_that_refuses_is_no_failure_of_the_route(
    edge, ports, path, to, home
) -> None:
    """The home stack answers what it did not take, and the other peer all further requests."""
    split(edge, shift(route=path, steps=(100,), to=Stack(to), home=Stack(home)))
    with answering(ports[to][1], OF[to]), answering(ports[home][0], OF[home]):
        texts = [edge.ask(path).text for _ in range(TIMES)]

    served = texts.count(to)
    assert set(texts) <= {to, home}
    assert served >= TIMES - 2
    found = samples(edge, served)
    assert {(each.is_trial, each.is_failed, each.status) for each in found} == {(True, False, 200)}
    assert len(found) == served


def test_without_a_peer_on_trial_the_home_stack_answers(edge, ports) -> None:
    """By its peer that takes the request; a request that nobody took shows nothing."""
    split(edge, shift(route="/sync/", steps=(100,)))
    with answering(ports["wsgi"][1], OF["wsgi"]):
        texts = [edge.ask("/sync/").text for _ in range(TIMES)]
        with answering(ports["asgi"][0], OF["asgi"]), answering(ports["asgi"][1], OF["asgi"]):
            wait_for(lambda: edge.ask("/sync/").text == "asgi")

    assert texts == ["wsgi"] * TIMES
    assert [each.is_failed for each in samples(edge, 1)] == [False]


def test_a_failure_on_trial_is_sent_to_no_other_peer_of_it(edge, ports) -> None:
    """It was served; the home stack answers, by that of its peers which takes the request."""
    split(edge, shift(route="/sync/", steps=(100,)))
    with ExitStack() as stack:
        seen = [stack.enter_context(answering(port, FAILED)) for port in ports["asgi"]]
        stack.enter_context(answering(ports["wsgi"][0], OF["wsgi"]))
        texts = [edge.ask("/sync/").text for _ in range(TIMES)]

    assert texts == ["wsgi"] * TIMES
    assert sum(map(len, seen)) == TIMES
    assert {each.status for each in samples(edge, TIMES)} == {500}
