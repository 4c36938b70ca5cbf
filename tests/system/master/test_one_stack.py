"""A master of one stack, with nothing that supervises it: the process of a container."""

import asyncio
import http.client
import signal
import socket
import ssl
import threading
import time
from collections import Counter

import pytest
import websockets
from nginx import certificates

from django_tandem.model import Bind, PeerTls, Stack, StopTimes
from django_tandem.servers.server import tls_environment
from harness.client import ask, wait_for
from harness.master import starting, wait_until_ready
from harness.stack import free_port

ALONE = {"TANDEM_UNSUPERVISED": "1"}
AT_ONCE = 6


def serving_one(directory, stack: Stack, port: int, tls: PeerTls | None = None, **stop: int):
    """Start the master of one stack, on a socket and on an address."""
    environment = {**ALONE, **(dict(tls_environment(tls)) if tls else {})}
    workers = {Stack.WSGI: {"wsgi": 2, "asgi": 0}, Stack.ASGI: {"wsgi": 0, "asgi": 2}}[stack]
    binds = {stack: Bind(host="127.0.0.1", port=port)}
    return starting(
        directory, binds=binds, environment=environment, stop=StopTimes(stop_s=6, **stop), **workers
    )


def request_until_refused(port: int, outcomes: Counter, began: threading.Event) -> None:
    """Send a request on each new connection, until none is accepted; count what comes of each."""
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            return
        client = http.client.HTTPConnection("127.0.0.1", port)
        client.sock = connection
        try:
            client.request("GET", "/slow?s=0.01")
            outcomes[client.getresponse().status] += 1
        except (OSError, http.client.HTTPException) as error:
            outcomes[type(error).__name__] += 1
        finally:
            client.close()
        began.set()


def test_a_stop_resets_no_connection_that_was_accepted(directory) -> None:
    """The workers finish the connections in the queue of the address; later ones are refused."""
    port = free_port()
    with serving_one(directory, Stack.WSGI, port) as master:
        wait_until_ready(master, [Stack.WSGI])
        outcomes, began = Counter(), threading.Event()
        load = [
            threading.Thread(target=request_until_refused, args=(port, outcomes, began))
            for _ in range(AT_ONCE)
        ]
        for each in load:
            each.start()
        assert began.wait(10)
        started = time.monotonic()
        code = master.stop()
        took_s = time.monotonic() - started
        for each in load:
            each.join()
        log = master.log()

    assert outcomes.keys() == {200}, outcomes
    assert code == 0
    assert took_s < 3
    assert "stopping: finishes requests in flight, for 6 s at most" in log
    assert (directory / "stopping").exists()


def test_a_stop_serves_for_its_delay_and_finishes_a_request(directory) -> None:
    """The load balancer needs time to see that the server is not ready."""
    port = free_port()
    with serving_one(directory, Stack.WSGI, port, delay_s=1) as master:
        wait_until_ready(master, [Stack.WSGI])
        began = time.monotonic()
        master.process.send_signal(signal.SIGTERM)
        wait_for((directory / "stopping").exists)
        answer = ask(port, "/slow?s=1.5")
        code = master.process.wait(6)
        took_s = time.monotonic() - began

    assert (answer.status, code) == (200, 0)
    assert 1.5 < took_s < 6


def test_a_stop_closes_websockets_with_1012_over_the_window(directory) -> None:
    """At different moments, as a reload does; a second SIGTERM changes nothing."""
    port = free_port()
    with serving_one(directory, Stack.ASGI, port) as master:
        wait_until_ready(master, [Stack.ASGI])
        closes, moments = asyncio.run(_close_all(port, master))
        code = master.process.wait(6)

    assert closes == [1012] * len(closes)
    assert max(moments) - min(moments) > 1
    assert code == 0


async def _close_all(port: int, master) -> tuple[list[int], list[float]]:
    uri = f"ws://127.0.0.1:{port}/ws/echo"
    opened = [await websockets.connect(uri) for _ in range(8)]
    for _ in range(2):
        master.process.send_signal(signal.SIGTERM)
    moments: list[float] = []

    async def close_of(each) -> int:
        await each.wait_closed()
        moments.append(time.monotonic())
        return each.close_code

    return list(await asyncio.gather(*map(close_of, opened))), moments


def test_the_other_stack_is_not_loaded(directory) -> None:
    """A container of WSGI needs nothing that only the ASGI application imports."""
    port = free_port()
    with serving_one(directory, Stack.WSGI, port) as master:
        wait_until_ready(master, [Stack.WSGI])
        workers = master.workers("asgi")
        master.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "SIGHUP is ignored" in master.log())
        log = master.log()

    assert workers == set()
    assert "SIGHUP is ignored: a new container replaces this one." in log


def test_mutual_tls_is_for_the_address_of_asgi_alone(directory) -> None:
    """Uvicorn has one setting for all sockets; the health checks go to the Unix socket."""
    port = free_port()
    files = certificates.make(directory, "peer.example")
    chain, key = files["CERTIFICATE"], files["KEY"]
    context = ssl.create_default_context(cafile=chain)
    context.check_hostname = False
    tls = PeerTls(certificate=chain, key=key, ca=chain)
    with serving_one(directory, Stack.ASGI, port, tls) as master:
        wait_until_ready(master, [Stack.ASGI])
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(port, "/process", tls=context)
        context.load_cert_chain(chain, key)
        answer = ask(port, "/process", tls=context)

    assert answer.status == 200
