"""Render nginx.conf, its map of routes, and the configuration of a dry run."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import PurePath

from django_tandem.inprocess.access_log import header_text
from django_tandem.model import (
    EdgeRule,
    File,
    ForwardedHeaders,
    Include,
    LogFormat,
    PeerTls,
    Plan,
    Protocol,
    Stack,
    StaticFiles,
    Tls,
    Verdict,
)
from django_tandem.model.shifts import METHODS, route_id
from django_tandem.project.regex.charset import literally
from django_tandem.project.regex.translate import START_VERBS
from django_tandem.render.mime_types import CHARSET_TYPES, suffixes_by_type
from django_tandem.render.quoting import NGINX_PARAMETER_BYTES
from django_tandem.render.target import Target, fill
from django_tandem.render.upstreams import dns_servers, upstreams

# Headers in which a proxy names the client, the scheme, the host or the path of a request. The
# edge uses X-Forwarded-*; from a client, each of the others would deceive a server or a library.
UNTRUSTED_HEADERS = (
    "Daphne-Root-Path",
    "Forwarded",
    "Front-End-Https",
    "Proxy",
    "X-Forwarded-Prefix",
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Script-Name",
    "X-Url-Scheme",
)

# The content codings of files compressed beforehand, the better first, with the suffix of each.
PRECOMPRESSED = (("br", ".br"), ("gzip", ".gz"))

# The versions of NGINX that introduced a directive or changed its default.
HTTP2_DIRECTIVE = (1, 25, 1)
KEEPALIVE_MIN = (1, 27, 4)
KEEPALIVE_BY_DEFAULT = (1, 29, 7)

# The socket of a dry run, in the directory of its nginx.conf.
DRY_RUN_SOCKET = "edge.sock"
# The name for a request that names no host, where SERVER_NAMES has only regexes (RFC 6761).
DRY_RUN_HOST = "tandem.invalid"


def render(plan: Plan) -> tuple[File, ...]:
    """
    Return nginx.conf and the table of MIME types that it includes, for a host with an edge.

    With a secret in it, only its owner may read the file.
    """
    edge = plan.edge
    if not plan.has_edge:
        return ()
    content = fill(
        "nginx/nginx.conf.j2",
        **_routing(plan),
        **_scheme_header(plan.project.forwarded),
        log_format=plan.log_format,
        has_monitor=plan.has_monitor,
        **_route_maps(plan),
        can_shift=plan.can_shift,
        shift_methods=METHODS,
        session_cookie=re.escape(plan.project.session_cookie),
        tls=_tls(edge.tls, plan),
        upstreams=upstreams(edge),
        dns_servers=dns_servers(edge),
        has_ipv6=edge.peers.resolver.has_ipv6,
        peer_tls=_peer_tls(plan),
        error_pages=[(status, _from_run_dir(path, plan)) for status, path in edge.error_pages],
        include=_include(edge.include, plan),
        acme_root=edge.acme_root and _from_run_dir(edge.acme_root, plan),
        temp_paths=_temp_paths(edge.temp_dir, plan),
        untrusted_headers=UNTRUSTED_HEADERS,
        has_http2_directive=edge.nginx.version >= HTTP2_DIRECTIVE,
        has_keepalive_min=edge.nginx.version >= KEEPALIVE_MIN,
        has_keepalive_by_default=edge.nginx.version >= KEEPALIVE_BY_DEFAULT,
    )
    types = fill("nginx/mime.types.j2", types=suffixes_by_type())
    mode = 0o600 if edge.peers.secret else 0o644
    return (
        File(name="nginx.conf", content=content, mode=mode),
        File(name="mime.types", content=types),
    )


def render_dry_run(plan: Plan) -> File:
    """
    Return the nginx.conf of an edge with no stack behind it.

    It answers each request with the stack, the number of the rule from 1 on, and the target that
    nginx.conf would pass on, each in a header X-Tandem-…. Both files share the templates that
    route a request.
    """
    rules = [line.regex for rule in plan.edge.rules for line in merge_neighbours([rule])]
    content = fill("nginx/dry_run.conf.j2", **_routing(plan), rules=rules, any_host=DRY_RUN_HOST)
    return File(name="nginx.conf", content=content)


def _routing(plan: Plan) -> dict[str, object]:
    """Return the values of the templates that nginx.conf and the dry run share."""
    edge = plan.edge
    return {
        "edge": edge,
        "route_map": route_map(edge.rules),
        "script_name": re.escape(edge.script_name),
        "strips": [(prefix, strip_regex(prefix)) for prefix in edge.stripped_prefixes],
        "static": _relative(edge.static, plan),
        "media": _relative(edge.media, plan),
        "file_headers": [
            (name, _variable(name), value) for name, value in plan.project.file_headers
        ],
        "static_prefixes": _prefixes(edge.static, edge.script_name),
        "media_prefixes": _prefixes(edge.media, edge.script_name),
        "charset_types": CHARSET_TYPES,
        "precompressed": PRECOMPRESSED,
    }


def _variable(header: str) -> str:
    return f"tandem_{header.lower().replace('-', '_')}"


def _scheme_header(forwarded: ForwardedHeaders) -> dict[str, object]:
    """Return the values of the template for the headers of a trusted proxy."""
    name, secure = forwarded.scheme_header, forwarded.secure_value
    # Proxies write the scheme in any case, and that of a WebSocket by its own name.
    words = ("https|wss", "http|ws") if secure == "https" else (re.escape(secure), r"[^,]+")
    https, http = (f"~*^1:[ ]*(?:{each})[ ]*(?:,|$)" for each in words)
    return {
        "forwarded": forwarded,
        "scheme_variable": "$http_" + name.lower().replace("-", "_"),
        "https_regex": https,
        "http_regex": http,
    }


def _relative(files: StaticFiles | None, plan: Plan) -> StaticFiles | None:
    if files is None:
        return None
    return replace(files, directory=_from_run_dir(files.directory, plan))


def _prefixes(files: StaticFiles | None, script_name: str) -> list[str]:
    """Return the URL prefix with and without FORCE_SCRIPT_NAME, which a proxy may remove."""
    if files is None:
        return []
    below = files.prefix.removeprefix(script_name)
    below = below if below.startswith("/") and below != "/" else files.prefix
    return sorted({below, f"{script_name}{below}"})


def _tls(tls: Tls | None, plan: Plan) -> Tls | None:
    if tls is None:
        return None
    certificate, key = (_from_run_dir(path, plan) for path in (tls.certificate, tls.key))
    return Tls(certificate=certificate, key=key)


def _peer_tls(plan: Plan) -> PeerTls | None:
    given = plan.edge.peers.tls if plan.edge.peers else None
    if given is None:
        return None
    certificate, key, ca = (
        _from_run_dir(path, plan) for path in (given.certificate, given.key, given.ca)
    )
    return PeerTls(certificate=certificate, key=key, ca=ca)


def _temp_paths(directory: str | None, plan: Plan) -> dict[str, str]:
    """Return where NGINX keeps the bodies of requests and of responses."""
    place = PurePath(_from_run_dir(directory, plan) if directory else "")
    return {each: str(place / f"tmp-{each}") for each in ("body", "proxy")}


def _include(include: Include, plan: Plan) -> Include:
    http, server = (path and _from_run_dir(path, plan) for path in (include.http, include.server))
    return Include(http=http, server=server)


def _from_run_dir(path: str, plan: Plan) -> str:
    """Return ``path`` relative to the run directory if both are inside the project."""
    project, run_dir = PurePath(plan.project.directory), PurePath(plan.run_dir)
    # A relative path in the settings is relative to the project.
    whole = project / path
    if not run_dir.is_relative_to(project) or not whole.is_relative_to(project):
        return str(whole)
    up = PurePath(*[".."] * len(run_dir.relative_to(project).parts))
    return str(up / whole.relative_to(project))


# Quoting may double each backslash, and the verbs come on top.
LONGEST_REGEX = NGINX_PARAMETER_BYTES // 2 - 100

# A guard is one more regex to match, which pays off only in front of several.
GUARDED_LINES = 4
GUARD = "Paths with no ASGI prefix: most requests match here and skip the lines below."


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLine:
    """One line of the map: a regular expression, its stack, and the patterns it was made from."""

    regex: str
    stack: str
    origin: str


def route_map(rules: Sequence[EdgeRule]) -> list[MapLine]:
    """Return the lines of the map for ``rules``; NGINX takes the first that matches."""
    lines = merge_neighbours(rules)
    found = guard(rules, longest=LONGEST_REGEX) if len(lines) >= GUARDED_LINES else None
    if found is None:
        return lines
    return [MapLine(regex=f"~{START_VERBS}{found}", stack=Stack.WSGI.value, origin=GUARD), *lines]


def merge_neighbours(rules: Iterable[EdgeRule]) -> list[MapLine]:
    """
    Merge neighbours that lead to the same stack into one line.

    Only neighbours: Django and NGINX both take the first pattern that matches,
    so a rule that moved past another could send a path to the other stack.
    """
    return [
        _merged(part)
        for _, group in groupby(rules, key=lambda rule: rule.stack)
        for part in _short_enough(group)
    ]


def _short_enough(rules: Iterable[EdgeRule]) -> Iterator[list[EdgeRule]]:
    part: list[EdgeRule] = []
    length = 0
    for rule in rules:
        if part and length + len(rule.match.pcre.encode()) > LONGEST_REGEX:
            yield part
            part, length = [], 0
        part.append(rule)
        length += len(rule.match.pcre.encode()) + 4
    yield part


def _merged(rules: Sequence[EdgeRule]) -> MapLine:
    texts = [rule.match.pcre for rule in rules]
    # Without a group each, a flag or an alternative would leak into the next pattern.
    regex = texts[0] if len(texts) == 1 else "|".join(f"(?:{text})" for text in texts)
    return MapLine(
        regex=f"~{START_VERBS}{regex}",
        stack=rules[0].stack.value,
        origin=rules[0].origin if len(rules) == 1 else f"{rules[0].origin} … {rules[-1].origin}",
    )


def guard(rules: Iterable[EdgeRule], *, longest: int) -> str | None:
    """
    Return a PCRE of at most ``longest`` bytes for paths that have no ASGI rule's prefix.

    NGINX tries the lines of a map one after the other. Most requests are for WSGI, and without
    a guard each of them would try every line. Returns None when the rules have no prefix in
    common that would exclude a path.
    """
    prefixes = {rule.match.prefix for rule in rules if rule.stack is Stack.ASGI}
    kept, shortest, too_long = "", 1, max(map(len, prefixes), default=0) + 1
    while shortest < too_long:
        length = (shortest + too_long) // 2
        text = f"^(?!{_alternatives({prefix[:length] for prefix in prefixes})})"
        if len(text.encode()) > longest:
            too_long = length
        else:
            kept, shortest = text, length + 1
    # Every path begins with a slash.
    return None if kept in ("", "^(?!/)", "^(?!)") else kept


def _alternatives(texts: set[str]) -> str:
    """Write ``texts`` as a regex in which a common beginning stands once, as in a trie."""
    if "" in texts or not texts:
        return ""
    by_first: dict[str, set[str]] = {}
    for text in texts:
        by_first.setdefault(text[0], set()).add(text)
    parts = [_alternative(by_first[first]) for first in sorted(by_first)]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def _alternative(texts: set[str]) -> str:
    common = os.path.commonprefix(list(texts))  # noqa: RUF071 - characters are compared
    return literally(common) + _alternatives({text[len(common) :] for text in texts})


def _route_maps(plan: Plan) -> dict[str, object]:
    """Return the values of the template for the routes that the edge finds by the path."""
    websockets = routes_by_path(plan.verdicts, Protocol.WEBSOCKET)
    is_logged = bool(websockets) and plan.log_format is LogFormat.JSON
    return {
        "has_route_maps": is_logged or plan.has_monitor,
        "websocket_routes": websockets,
        "http_routes": list(_numbered_routes(plan.verdicts)) if plan.has_monitor else [],
    }


def _numbered_routes(verdicts: Iterable[Verdict]) -> Iterator[tuple[str, str, str]]:
    for regex, pattern in routes_by_path(verdicts, Protocol.HTTP):
        yield regex, pattern, route_id(pattern)


def routes_by_path(verdicts: Iterable[Verdict], protocol: Protocol) -> list[tuple[str, str]]:
    """Return the regular expression and the pattern of each route of a protocol, in their order."""
    routes = (each.route for each in verdicts if each.route.protocol is protocol)
    return [
        (f"~{START_VERBS}{route.match.pcre}", header_text(route.pattern))
        for route in routes
        if len(route.match.pcre.encode()) < LONGEST_REGEX
    ]


def strip_regex(prefix: str) -> str:
    """
    Match a raw request target below ``prefix``, and capture the rest as ``$tandem_rest``.

    The target is matched before it is decoded, so that the rest stays as the client sent
    it; the prefix is therefore matched percent-encoded too.
    """
    inside = "".join(_maybe_encoded(character) for character in prefix[1:])
    return f"^/{inside}(?<tandem_rest>.*)$"


def _maybe_encoded(character: str) -> str:
    encoded = "".join(f"%{byte:02x}" for byte in character.encode())
    plain = re.escape(character) if character.isascii() else encoded
    return f"(?:{plain}|(?i:{encoded}))"


TARGET = Target(name="nginx", summary="the edge: nginx.conf and mime.types", render=render)
