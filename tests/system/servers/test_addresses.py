"""Each server also listens on an address, for an edge on another host that has the secret."""

import asyncio
import ssl
import tempfile
from pathlib import Path

import aiohttp
import pytest
from nginx import certificates

from django_tandem.model import Bind, PeerTls, Stack
from django_tandem.servers import ASGI_SERVERS, find
from django_tandem.servers.server import tls_environment
from harness.client import ask
from harness.server import serving
from harness.stack import free_port
from servers.conftest import EVERY_SERVER, title

SECRET = "0123456789abcdef" * 2
HEADER = ("X-Tandem-Secret", SECRET)


@pytest.fixture(scope="module", params=EVERY_SERVER, ids=title)
def peer(request):
    """Each server of each stack, on a port of this host, with a secret."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        bind = Bind(host="127.0.0.1", port=free_port())
        environment = {"TANDEM_PEER_SECRET": SECRET}
        with serving(request.param, Path(path), bind=bind, environment=environment) as started:
            yield started


def test_the_edge_is_served(peer):
    """On the address, and on the socket where the server has both."""
    assert ask(peer.bind.port, "/plain", headers=[HEADER]).text == "plain"
    if not peer.server.one_address:
        assert peer.ask(headers=[HEADER]).body == b"plain"


@pytest.mark.parametrize("given", [[], [("X-Tandem-Secret", "wrong")]], ids=["missing", "wrong"])
def test_a_request_without_the_secret_is_rejected(peer, given):
    """Its other headers do not count."""
    claimed = [("X-Real-IP", "10.0.0.1"), ("X-Forwarded-Proto", "https")]

    answer = ask(peer.bind.port, "/plain", headers=[*claimed, *given])

    assert (answer.status, answer.text) == (403, "Forbidden")
    assert "A request from 127.0.0.1 with " in peer.log


@pytest.mark.parametrize("peer", ASGI_SERVERS, ids=title, indirect=True)
def test_a_handshake_without_the_secret_is_rejected(peer):
    """Before its accept."""

    async def connect() -> int:
        async with aiohttp.ClientSession() as session:
            try:
                await session.ws_connect(f"http://127.0.0.1:{peer.bind.port}/ws/echo")
            except aiohttp.WSServerHandshakeError as error:
                return error.status
        return 101

    assert asyncio.run(connect()) == 403


@pytest.mark.parametrize(
    ("stack", "name"), [(Stack.WSGI, "gunicorn"), (Stack.ASGI, "hypercorn")], ids=str
)
def test_mutual_tls_is_for_the_address_alone(stack, name, directory):
    """A client without a certificate of the CA gets no answer; the socket needs none."""
    files = certificates.make(directory, "peer.example")
    chain, key = files["CERTIFICATE"], files["KEY"]
    tls = PeerTls(certificate=chain, key=key, ca=chain)
    bind = Bind(host="127.0.0.1", port=free_port())
    context = ssl.create_default_context(cafile=chain)
    context.check_hostname = False
    environment = dict(tls_environment(tls))
    with serving(
        find(stack, name), directory, bind=bind, tls=tls, environment=environment
    ) as running:
        plain = running.ask().body
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(bind.port, "/plain", tls=context)
        context.load_cert_chain(chain, key)
        encrypted = ask(bind.port, "/plain", tls=context).text

    assert (plain, encrypted) == (b"plain", "plain")
