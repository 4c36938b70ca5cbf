"""What the edge says of a request: the one rule by which both stacks tell it to the view."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

# The edge sets it on every request; one that lacks it was sent to the socket directly.
EDGE_HEADER = "x-real-ip"
READY_PATH = "/.tandem/ready"

DEFAULT_PORTS = {"http": 80, "https": 443}
# Headers of the connection between the edge and the server: nothing the client said.
HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "transfer-encoding", "upgrade"})
# All of ASCII but the controls and the space stands for itself in a query.
QUERY_SAFE = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """The client's address, and the scheme, name and port it asked."""

    client: str
    scheme: str
    server: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The request target, split as CGI splits it: ``path_info`` is octets, ``query`` ASCII."""

    script_name: str
    path_info: bytes
    query: str


def read_forwarded(header: Callable[[str], str]) -> Forwarded | None:
    """
    Return what the edge's headers say, or ``None`` if the edge did not send the request.

    ``header`` takes a name in lower case and returns the value, empty if there is none.
    """
    client = header(EDGE_HEADER)
    if not client:
        return None
    scheme = "https" if header("x-forwarded-proto").lower() == "https" else "http"
    server, port = split_host(header("host"))
    return Forwarded(
        client=client,
        scheme=scheme,
        server=server or "localhost",
        port=as_port(header("x-forwarded-port")) or port or DEFAULT_PORTS[scheme],
    )


def split_host(host: str) -> tuple[str, int]:
    """Split a Host header into its name and its port, which is 0 if it has none."""
    name, colon, port = host.rpartition(":")
    # The last colon of `[::1]` is a part of the address.
    if not colon or port.endswith("]"):
        return host, 0
    return name, as_port(port)


def as_port(text: str) -> int:
    """Return the port that ``text`` says, or 0 if it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def split_target(raw: bytes, script_name: str) -> Target:
    """
    Split the target of a request line, the script name taken off its path.

    The path may begin with the script name or lack it, as some proxies strip it: of
    Django's two handlers each expects but one of the two.
    """
    # A fragment is no part of a target; some servers drop it, and others take it as it comes.
    path, _, query = raw.partition(b"#")[0].partition(b"?")
    octets = unquote_to_bytes(path)
    prefix = script_name.rstrip("/").encode()
    if prefix and (octets == prefix or octets.startswith(prefix + b"/")):
        octets = octets[len(prefix) :]
    # A raw octet above ASCII and its percent-encoding are one and the same to the view.
    safe_query = query.decode() if query.isascii() else quote(query, safe=QUERY_SAFE)
    return Target(script_name=script_name, path_info=octets or b"/", query=safe_query)
