"""A client's own forwarding headers are ignored, unless a trusted proxy sends them."""

import asyncio
import json

import aiohttp
import pytest

SPOOFED = [
    ("Host", "shop.example:8443"),
    ("X-Forwarded-For", "6.6.6.6"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Port", "666"),
    ("X-Real-IP", "6.6.6.6"),
    ("Forwarded", "for=6.6.6.6;host=evil.example;proto=https"),
    ("Daphne-Root-Path", "/evil"),
    ("Proxy", "http://evil.example"),
    ("X-Forwarded-Prefix", "/evil"),
    ("X-Forwarded-Protocol", "https"),
    ("X-Forwarded-Scheme", "https"),
    ("X-Forwarded-Server", "evil.example"),
    ("X-Forwarded-Ssl", "on"),
    ("X-Original-URL", "/evil/"),
    ("X-Rewrite-URL", "/evil/"),
    ("X-Script-Name", "/evil"),
    ("X-Url-Scheme", "https"),
    ("Front-End-Https", "on"),
]
BOTH = pytest.mark.parametrize("path", ["/sync/", "/async/"])
TRUSTED = {"TRUSTED_PROXIES": ["127.0.0.1", "10.0.0.0/8"]}


@BOTH
def test_nothing_a_client_says_reaches_the_view(edge, path) -> None:
    """Not as a header, and not as what the request is taken for."""
    reported = edge.ask(path, headers=SPOOFED).json

    assert "evil" not in json.dumps(reported)
    assert "6.6.6.6" not in json.dumps(reported)
    assert reported == reported | {
        "client": "127.0.0.1",
        "scheme": "http",
        "is_secure": False,
        "host": "shop.example:8443",
        "port": "8443",
        "script_name": "",
        "absolute": f"http://shop.example:8443{path}",
    }


@BOTH
def test_a_header_under_another_spelling_is_dropped(edge, path) -> None:
    """`X_Forwarded_For` would become the same META key as `X-Forwarded-For`."""
    spoofed = [(name.replace("-", "_"), value) for name, value in SPOOFED if "-" in name]
    reported = edge.ask(path, headers=spoofed).json

    assert "evil" not in json.dumps(reported)
    assert "6.6.6.6" not in json.dumps(reported)


def test_a_websocket_gets_the_true_values_too(edge) -> None:
    """The handshake passes by the same directives."""
    reported = greet(edge, dict(SPOOFED))

    assert "evil" not in json.dumps(reported)
    assert "6.6.6.6" not in json.dumps(reported)
    assert (reported["scheme"], reported["client"][0]) == ("ws", "127.0.0.1")


@pytest.fixture(scope="module")
def trusting(edge_with):
    """An edge behind a proxy, which is this machine."""
    with edge_with(EDGE=TRUSTED, environment=believing(host=True, port=True)) as edge:
        yield edge


def believing(**forwarded) -> dict[str, str]:
    """Settings of Django that name headers of a proxy."""
    return {"EDGESITE_FORWARDED": json.dumps(forwarded)}


FROM_PROXY = [
    ("Host", "internal.example"),
    ("X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.1.2.3"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "shop.example"),
    ("X-Forwarded-Port", "443"),
]


@BOTH
def test_a_trusted_proxy_is_believed(trusting, path) -> None:
    """The client is the last address that is no trusted proxy's: the rest it could make up."""
    reported = trusting.ask(path, headers=FROM_PROXY).json

    assert reported == reported | {
        "client": "203.0.113.9",
        "scheme": "https",
        "is_secure": True,
        "host": "shop.example",
        "port": "443",
        "absolute": f"https://shop.example{path}",
    }
    assert reported["headers"]["X-Real-Ip"] == "203.0.113.9"
    assert reported["headers"]["X-Forwarded-Proto"] == "https"


def test_a_websocket_through_a_trusted_proxy_is_secure(trusting) -> None:
    """The proxy speaks TLS to the browser, and not to this edge."""
    reported = greet(trusting, dict(FROM_PROXY))

    assert (reported["scheme"], reported["client"][0]) == ("wss", "203.0.113.9")


@BOTH
def test_a_trusted_proxy_that_says_nothing_is_the_client(trusting, path) -> None:
    """Such as its own health check."""
    reported = trusting.ask(path, headers=[("Host", "internal.example")]).json

    assert (reported["client"], reported["scheme"], reported["host"]) == (
        "127.0.0.1",
        "http",
        "internal.example",
    )


@BOTH
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Forwarded-Proto", "javascript"),
        ("X-Forwarded-Host", "evil.example/path"),
        ("X-Forwarded-Host", 'evil.example"'),
        ("X-Forwarded-Port", "80x"),
        ("X-Forwarded-For", "not an address"),
        ("Daphne-Root-Path", "/evil"),
        ("X-Script-Name", "/evil"),
    ],
)
def test_even_a_trusted_proxy_is_not_believed_nonsense(trusting, path, name, value) -> None:
    """Only what has the form of a scheme, a host, a port or an address is taken."""
    reported = trusting.ask(path, headers=[("Host", "shop.example"), (name, value)]).json

    assert (reported["client"], reported["scheme"], reported["host"]) == (
        "127.0.0.1",
        "http",
        "shop.example",
    )
    assert reported["script_name"] == ""


@BOTH
def test_a_peer_that_is_not_trusted_is_not_believed(edge_with, path) -> None:
    """Whom the list does not name is overwritten, as everyone is without a list."""
    with edge_with(EDGE={"TRUSTED_PROXIES": ["10.0.0.0/8"]}) as edge:
        reported = edge.ask(path, headers=SPOOFED).json

    assert "evil" not in json.dumps(reported)
    assert "6.6.6.6" not in json.dumps(reported)
    assert (reported["client"], reported["scheme"]) == ("127.0.0.1", "http")


@BOTH
@pytest.mark.parametrize(
    ("headers", "scheme", "port"),
    [
        ({}, "http", "80"),
        ({"Host": "shop.example:8443"}, "http", "8443"),
        ({"X-Forwarded-Proto": "https"}, "https", "443"),
        ({"X-Forwarded-Proto": "HTTPS"}, "https", "443"),
        ({"X-Forwarded-Proto": "https,http"}, "https", "443"),
        ({"X-Forwarded-Proto": "https, http"}, "https", "443"),
        ({"X-Forwarded-Proto": "http,https"}, "http", "80"),
        ({"X-Forwarded-Proto": "wss"}, "https", "443"),
        ({"X-Forwarded-Proto": "ws"}, "http", "80"),
        ({"X-Forwarded-Proto": "https", "Host": "shop.example:444"}, "https", "444"),
        ({"X-Forwarded-Proto": "https", "Host": "[::1]"}, "https", "443"),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Port": "444"}, "https", "444"),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Port": "444,80"}, "https", "444"),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Port": "0x50"}, "https", "443"),
    ],
    ids=str,
)
def test_the_scheme_implies_the_port(trusting, path, headers, scheme, port) -> None:
    """Proxies write the scheme in any case, as a list, or by the name of a WebSocket's."""
    reported = trusting.ask(path, headers=list(({"Host": "shop.example"} | headers).items())).json

    assert (reported["scheme"], reported["port"]) == (scheme, port)
    assert reported["headers"]["X-Forwarded-Port"] == port


@BOTH
def test_the_port_of_the_edge_itself_is_not_that_of_the_site(edge, path) -> None:
    """A container's published port, or a proxy, hides it."""
    reported = edge.ask(path, headers=[("Host", "shop.example")]).json

    assert (reported["port"], reported["absolute"]) == ("80", f"http://shop.example{path}")


@BOTH
def test_only_the_headers_that_the_settings_name_are_used(edge_with, path) -> None:
    """A load balancer that sets no X-Forwarded-Host passes on what a client sent in it."""
    with edge_with(EDGE=TRUSTED) as edge:
        headers = [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Port", "666")]
        reported = edge.ask(path, headers=[("Host", "shop.example"), *headers]).json

        assert "evil" not in json.dumps(reported)
        assert (reported["host"], reported["port"]) == ("shop.example", "80")


SSL_HEADERS = [
    ("HTTP_X_FORWARDED_PROTOCOL", "https", "X-Forwarded-Protocol", "https"),
    ("HTTP_X_FORWARDED_PROTOCOL", "https", "X-Forwarded-Protocol", "HTTPS"),
    ("HTTP_X_FORWARDED_SSL", "on", "X-Forwarded-Ssl", "on"),
    ("HTTP_CLOUDFRONT_FORWARDED_PROTO", "https", "CloudFront-Forwarded-Proto", "https"),
    ("HTTP_CF_VISITOR", '{"scheme":"https"}', "CF-Visitor", '{"scheme":"https"}'),
    ("HTTP_FASTLY_SSL", "1", "Fastly-SSL", "1"),
]


@pytest.mark.parametrize(("key", "value", "name", "sent"), SSL_HEADERS)
def test_the_header_of_secure_proxy_ssl_header_is_used(edge_with, key, value, name, sent) -> None:
    """And X-Forwarded-Proto, which such a proxy does not set, is not."""
    with edge_with(EDGE=TRUSTED, environment=believing(ssl=[key, value])) as edge:
        for path in ("/sync/", "/async/"):
            host = ("Host", "shop.example")
            secure = edge.ask(path, headers=[host, (name, sent)]).json
            plain = edge.ask(path, headers=[host, (name, "off")]).json
            forged = edge.ask(path, headers=[host, ("X-Forwarded-Proto", "https")]).json

            assert (secure["scheme"], secure["port"]) == ("https", "443")
            # As the application compares it.
            reported = {key.lower(): each for key, each in secure["headers"].items()}
            assert reported[name.lower()] == value
            assert (plain["scheme"], forged["scheme"]) == ("http", "http")


def test_the_header_of_secure_proxy_ssl_header_is_overwritten_without_a_trusted_proxy(
    edge_with,
) -> None:
    """Anybody could send it."""
    with edge_with(environment=believing(ssl=["HTTP_X_FORWARDED_SSL", "on"])) as edge:
        reported = edge.ask("/sync/", headers=[("X-Forwarded-Ssl", "on")]).json

        assert reported["scheme"] == "http"
        assert "X-Forwarded-Ssl" not in reported["headers"]


def greet(edge, headers: dict[str, str]) -> dict:
    """Open a WebSocket, and return what its consumer was sent."""

    async def run() -> str:
        url = f"http://127.0.0.1:{edge.port}/socket/"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, headers=headers) as ws,
        ):
            return await ws.receive_str(timeout=10)

    return json.loads(asyncio.run(run()))
