"""Requests with something odd about them, as bytes; `STACK` stands for the stack's name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """One request, and the address family it comes over."""

    name: str
    line: str = "GET /STACK/ HTTP/1.1"
    headers: tuple[str, ...] = ()
    body: bytes = b""
    client: str = "127.0.0.1"
    host: str | None = "shop.example"
    status: int = 200

    def to(self, stack: str) -> bytes:
        """Return its bytes for the stack."""
        host = () if self.host is None else (f"Host: {self.host}",)
        lines = [self.line.replace("STACK", stack), *host, "Connection: close", *self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def get(name: str, target: str, *headers: str) -> Request:
    return Request(name, f"GET {target} HTTP/1.1", headers)


def post(name: str, body: bytes, *headers: str) -> Request:
    return Request(name, "POST /STACK/form HTTP/1.1", headers, body)


FORM = b"a=1&a=2&b=%C3%A9"
FORM_TYPE = "Content-Type: application/x-www-form-urlencoded"
CHUNKED = b"4\r\na=1&\r\nc\r\na=2&b=%C3%A9\r\n0\r\n\r\n"

SPOOFS = (
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Port: 6666",
    "X-Real-IP: 6.6.6.6",
    "X-Forwarded-Ssl: on",
    "Forwarded: for=6.6.6.6;proto=https;host=evil.example",
    "Daphne-Root-Path: /evil",
    "SCRIPT_NAME: /evil",
    "Proxy: http://evil.example",
)

REQUESTS = (
    get("plain", "/STACK/"),
    get("path with percent-encoded specials", "/STACK/a%20b%2Fc%3Fd%23e%25f+g;h"),
    get("path with UTF-8", "/STACK/caf%C3%A9/%E2%82%AC"),
    Request("path with raw octets", "GET /STACK/caf\u00c3\u00a9 HTTP/1.1", status=400),
    get("path with double slashes", "/STACK//a///b//"),
    get("path with a newline", "/STACK/a%0A"),
    get("path with controls", "/STACK/a%01%7f%0D"),
    Request("path with a NUL", "GET /STACK/a%00 HTTP/1.1", status=400),
    get("empty query", "/STACK/?"),
    get("query repeated", "/STACK/?a=1&a=2&&b&=c&a"),
    get("query with encodings", "/STACK/?q=caf%C3%A9+a%20b%2B%ff&%5B%5D=1?#"),
    Request("query with raw octets", "GET /STACK/?q=caf\u00c3\u00a9 HTTP/1.1", status=400),
    get("query with quotes", "/STACK/?q=\"'<>|^`{}"),
    get("long target", "/STACK/" + "x" * 6000 + "?" + "y" * 6000),
    get(
        "repeated headers", "/STACK/", "X-Repeated: 1", "X-Repeated: 2, 3", "Accept: a", "Accept: b"
    ),
    get("repeated cookies", "/STACK/", "Cookie: a=1; b=2", "Cookie: c=3"),
    get("header with an underscore", "/STACK/", "X_Under: 1", "X-Under-: 2"),
    get("empty headers", "/STACK/", "X-Empty:", "Content-Type:"),
    get("header with Latin-1", "/STACK/", "X-Latin: caf\u00e9"),
    get("large header", "/STACK/", "X-Large: " + "x" * 15_000),
    get("large headers", "/STACK/", *(f"X-Large-{n}: {'x' * 15_000}" for n in range(3))),
    get("many headers", "/STACK/", *(f"X-Many-{n}: {n}" for n in range(150))),
    get("credentials", "/STACK/", "Authorization: Basic YTpi", "Cookie: sessionid=x"),
    get("connection headers", "/STACK/", "Keep-Alive: 5", "TE: trailers", "Upgrade: h2c"),
    get("spoofed headers", "/STACK/", *SPOOFS),
    get("absolute-form target", "http://shop.example/STACK/a%20b?q"),
    get("absolute-form target with another host", "http://other.example:81/STACK/"),
    Request("HEAD", "HEAD /STACK/?q=1 HTTP/1.1"),
    Request("OPTIONS", "OPTIONS /STACK/ HTTP/1.1"),
    Request("an unknown method", "PURGE /STACK/ HTTP/1.1"),
    Request("DELETE with a body", "DELETE /STACK/ HTTP/1.1", ("Content-Length: 1",), b"x"),
    Request("host with a port", host="shop.example:8443"),
    Request("host in capitals", host="Shop.Example."),
    Request("host is an IPv6 address", host="[::1]:8000"),
    Request("host is an IPv6 address, no port", host="[::1]"),
    Request("HTTP/1.0", "GET /STACK/ HTTP/1.0"),
    Request("HTTP/1.0, no host", "GET /STACK/ HTTP/1.0", host=None),
    Request("client on IPv6", client="::1"),
    post("form", FORM, FORM_TYPE, f"Content-Length: {len(FORM)}"),
    post("empty body", b"", FORM_TYPE, "Content-Length: 0"),
    post("no body at all", b"", FORM_TYPE),
    post("chunked form", CHUNKED, FORM_TYPE, "Transfer-Encoding: chunked"),
    post("expects 100", FORM, FORM_TYPE, f"Content-Length: {len(FORM)}", "Expect: 100-continue"),
    post("chunked, expects 100", CHUNKED, "Transfer-Encoding: chunked", "Expect: 100-continue"),
    post("large body", b"x" * 300_000, "Content-Type: text/plain", "Content-Length: 300000"),
    post(
        "body with a charset",
        b"\xe9",
        "Content-Type: text/plain; charset=latin-1",
        "Content-Length: 1",
    ),
)

# The edge gives these no choice of stack: its patterns see another path than Django does.
UNROUTED = (
    get("path with invalid UTF-8", "/wsgi/%ff%C3/%C3%A9%e2%82"),
    get("path with dot segments", "/wsgi/a/../b/./c"),
    get("path with encoded dot segments", "/wsgi/a/%2e%2e/b"),
)

# The headers of a trusted proxy in front of the edge.
TRUSTED = (
    get(
        "https by a trusted proxy",
        "/STACK/?q",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: 9.8.7.6",
    ),
    get(
        "host by a trusted proxy",
        "/STACK/",
        "X-Forwarded-Host: public.example",
        "X-Forwarded-Port: 8443",
    ),
    get(
        "all by a trusted proxy",
        "/STACK/",
        "X-Forwarded-For: 1.2.3.4, 2001:db8::1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: public.example",
        "X-Forwarded-Port: 443",
    ),
)
