"""What a view sees of a request is what the client sent."""

import pytest

from django_tandem.servers import ASGI_SERVERS, WSGI_SERVERS
from parity.conftest import edge_before
from parity.requests import REQUESTS, TRUSTED, UNROUTED
from parity.test_parity import answer

BY_NAME = {request.name: request for request in (*REQUESTS, *UNROUTED, *TRUSTED)}


@pytest.fixture(scope="module")
def edge(nginx_program, started):
    with edge_before(nginx_program, WSGI_SERVERS[0], ASGI_SERVERS[0], started) as running:
        yield running


@pytest.fixture(scope="module")
def trusting(nginx_program, started):
    trusted = ["127.0.0.1"]
    with edge_before(
        nginx_program, WSGI_SERVERS[0], ASGI_SERVERS[0], started, TRUSTED_PROXIES=trusted
    ) as running:
        yield running


@pytest.fixture(params=["wsgi", "asgi"])
def stack(request):
    return request.param


def seen(edge, name, stack):
    return answer(edge, BY_NAME[name], stack, getattr(edge, stack))


def test_no_header_of_a_client_is_trusted(edge, stack):
    """Spoofed headers change neither address, nor scheme, nor host, nor script name."""
    view = seen(edge, "spoofed headers", stack)

    assert view["META REMOTE_ADDR"] == view["META HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
    assert (view["scheme"], view["host"], view["prefix"]) == ("http", "shop.example", "/")
    # The port that the scheme implies, as the Host header has none.
    assert view["META SERVER_PORT"] == "80"
    assert not [key for key, value in view.items() if "evil" in str(value)]
    assert not [key for key, value in view.items() if "6.6" in str(value)]


def test_a_client_on_ipv6_has_its_address(edge, stack):
    """Without brackets, as Django wants it."""
    assert seen(edge, "client on IPv6", stack)["META REMOTE_ADDR"] == "::1"


def test_a_path_is_decoded_once(edge, stack):
    """An encoded slash is a slash to Django, and an encoded percent sign a percent sign."""
    view = seen(edge, "path with percent-encoded specials", stack)

    assert view["path"] == "/wsgi/a b/c?d#e%f+g;h"


def test_slashes_stay_as_they_are(edge, stack):
    """Neither the edge nor a server merges them."""
    assert seen(edge, "path with double slashes", stack)["path"] == "/wsgi//a///b//"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("path with invalid UTF-8", "/wsgi/%FF%C3/é%E2%82"),
        ("path with dot segments", "/wsgi/a/../b/./c"),
        ("path with encoded dot segments", "/wsgi/a/../b"),
    ],
)
def test_an_odd_path_stays_as_it_is(edge, name, path):
    """Octets that are no UTF-8 stay encoded, and dots mean nothing to Django."""
    assert seen(edge, name, "wsgi")["path"] == path


def test_repeated_headers_arrive_both(edge, stack):
    """Joined by a comma, as Django's own ASGI handler does; cookies stay cookies."""
    assert seen(edge, "repeated headers", stack)["META HTTP_X_REPEATED"] == "1,2, 3"
    assert seen(edge, "repeated cookies", stack)["COOKIES"] == {"a": "1", "b": "2", "c": "3"}


@pytest.mark.parametrize("name", ["form", "chunked form", "expects 100"])
def test_a_form_is_read_however_it_was_sent(edge, stack, name):
    """Chunked, announced or plain."""
    assert seen(edge, name, stack)["POST"] == [["a", ["1", "2"]], ["b", ["é"]]]


def test_a_trusted_proxy_is_believed(trusting, stack):
    """It sets the client's address, the scheme, the host and the port."""
    view = seen(trusting, "all by a trusted proxy", stack)

    assert view["META REMOTE_ADDR"] == "2001:db8::1"
    assert (view["is_secure"], view["host"]) == (True, "public.example")
    assert (view["META SERVER_NAME"], view["META SERVER_PORT"]) == ("public.example", "443")
    assert view["absolute_uri"] == "https://public.example/wsgi/"
