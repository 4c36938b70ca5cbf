"""Raw request targets grown from a path, and the edge's answers to some of them without a stack."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote_to_bytes

# One of NGINX's buffers, which a request line has to fit in.
_BUFFER = 32 * 1024
# What is odd in the same way with any path is asked with every tenth of them.
_TURNS = 10
_AROUND = len(b"GET  HTTP/1.1\r\n")
_DOTS = re.compile(rb"(?i)^[^?#]*(?:/|%2f)(?:\.|%2e){1,2}(?:[/?#]|%2f|\Z)")
_BROKEN = re.compile(rb"^[^?#]*%(?![0-9A-Fa-f]{2})")


def targets_of(paths: Sequence[str]) -> list[bytes]:
    """Return the targets for all of ``paths``, and neighbours of each."""
    return list(dict.fromkeys(near for at, path in enumerate(paths) for near in grown(path, at)))


def plain(path: str) -> bytes:
    """Return the one target that a browser would make of ``path``."""
    return quote(path, safe="/").encode()


def grown(path: str, at: int = 0) -> Iterator[bytes]:
    """
    Yield the target for ``path`` and the neighbours at which a translation may go wrong.

    Of what is odd in the same way with any path, it is the turn of a few: ``at`` says which.
    """
    yield from map(plain, _near(path))
    yield from _written(path)
    odd = list(_odd(path))
    yield from odd[at % _TURNS :: _TURNS]


def _near(path: str) -> Iterator[str]:
    yield path
    yield f"{path}/"
    yield path.rstrip("/") or "/"
    yield f"/{path}"
    yield path.replace("/", "//")
    yield f"{path}\n"
    yield path.upper()
    yield path.swapcase()
    yield f"/x{path}"
    yield f"{path}x"
    yield f"{path}é"
    yield f"{path}/x/"
    yield path[:-1] or "/"
    yield f"{path}{path}"
    yield path.replace("/", "/\n", 1)


def _written(path: str) -> Iterator[bytes]:
    yield quote(path, safe="").encode().replace(b"%2F", b"/", 1)
    yield b"/" + b"".join(b"%%%02x" % octet for octet in path.encode()[1:])
    yield quote(path, safe="/!$&'()*+,;=:@~").encode()


def _odd(path: str) -> Iterator[bytes]:
    target = plain(path)
    first, slash, rest = target[1:].partition(b"/")
    for dots in (b"..", b".", b"%2E%2e", b"%2e", b".%2e"):
        yield b"/" + dots + target
        yield b"/x/" + dots + target
        yield b"/x%2f" + dots + target
        yield target + b"/" + dots
        yield b"/" + first + b"/x/" + dots + slash + rest
    for octets in (b"%00", b"%ff", b"%c0%af", b"%ed%a0%80", b"\xc3\xa9", b"%zz", b"%", b"\x7f"):
        yield target + octets
        yield b"/" + octets + target[1:]
    yield b"/x/.." + target[1:]
    yield target + b"..."
    yield target + b"?/../x=%ff"
    yield target + b"#/x"
    yield target + b"x" * 9000
    yield target + b"x" * _BUFFER


def refusal(target: bytes) -> int | None:
    """Return the status with which the edge refuses ``target`` before it asks any stack."""
    if len(target) + _AROUND > _BUFFER:
        return 414
    path = re.split(rb"[?#]", target, maxsplit=1)[0]
    is_broken = _BROKEN.search(target) or b"%00" in path or re.search(rb"[^!-~]", target)
    return 400 if is_broken or _climbs_out(path) else None


def _climbs_out(path: bytes) -> bool:
    depth = 0
    for name in unquote_to_bytes(path).split(b"/")[1:]:
        depth += {b"..": -1, b".": 0}.get(name, 1)
        if depth < 0:
            return True
    return False


def is_unreadable(target: bytes) -> bool:
    """Whether the edge can't read the path as Django does: it has dot segments, or is no UTF-8."""
    path = re.split(rb"[?#]", target, maxsplit=1)[0]
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return True
    return bool(_DOTS.match(target))
