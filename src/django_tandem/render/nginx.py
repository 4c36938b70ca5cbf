"""The edge's part of a plan → nginx.conf, with paths relative to the directory it lies in."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePath

from django_tandem.model import EdgeRule, File, Plan, Stack, StaticFiles, Tls
from django_tandem.project.regex.translate import VERBS
from django_tandem.render.guard import guard
from django_tandem.render.quoting import NGINX_PARAMETER_BYTES
from django_tandem.render.target import Target, fill

# Quoting may double a backslash, and the verbs above come on top.
MERGED_CHARS = NGINX_PARAMETER_BYTES // 2 - 100

# One more line to try is worth it where it saves trying some.
GUARDED_LINES = 4
GUARD = "What begins as no rule for ASGI below does: most requests need no look at the rest."

# Headers by which a proxy tells a server who asked, where from and for what. Ours says that in
# X-Forwarded-*; from a client each of them is a lie that some server or library would believe.
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

# NGINX before these versions has no word for it.
HTTP2_DIRECTIVE = (1, 25, 1)
KEEPALIVE_MIN = (1, 27, 4)
KEEPALIVE_BY_DEFAULT = (1, 29, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLine:
    """One line of the route table: a regular expression, its stack, and whose patterns it holds."""

    regex: str
    stack: str
    origin: str


def render(plan: Plan) -> tuple[File, ...]:
    """Return nginx.conf and the MIME types it includes."""
    edge = plan.edge
    content = fill(
        "nginx/nginx.conf.j2",
        **what_decides(plan),
        tls=_tls(edge.tls, plan),
        include=edge.include and _from_run_dir(edge.include, plan),
        untrusted_headers=UNTRUSTED_HEADERS,
        has_http2_directive=edge.nginx.version >= HTTP2_DIRECTIVE,
        has_keepalive_min=edge.nginx.version >= KEEPALIVE_MIN,
        has_keepalive_by_default=edge.nginx.version >= KEEPALIVE_BY_DEFAULT,
    )
    return (
        File(name="nginx.conf", content=content),
        File(name="mime.types", content=fill("nginx/mime.types.j2")),
    )


def what_decides(plan: Plan) -> dict[str, object]:
    """Return what those templates are filled with that decide who answers a request."""
    edge = plan.edge
    return {
        "edge": edge,
        "table": guarded(merge_neighbours(edge.rules), edge.rules),
        "script_name": re.escape(edge.script_name),
        "strips": [(prefix, strip_regex(prefix)) for prefix in edge.strips],
        "static": _relative(edge.static, plan),
        "media": _relative(edge.media, plan),
    }


def guarded(table: list[MapLine], rules: Sequence[EdgeRule]) -> list[MapLine]:
    """Put a guard in front of a ``table`` that is long enough to be worth one."""
    found = guard(rules, longest=MERGED_CHARS) if len(table) >= GUARDED_LINES else None
    if found is None:
        return table
    first = MapLine(regex=f"~{VERBS}{found}", stack=Stack.WSGI.value, origin=GUARD)
    return [first, *table]


def merge_neighbours(rules: Iterable[EdgeRule]) -> list[MapLine]:
    """
    Join neighbours that lead to the same stack into one rule.

    Only neighbours: Django and NGINX both take the first pattern that matches,
    so moving one past another could change who answers.
    """
    return [
        _join(part)
        for _, group in groupby(rules, key=lambda rule: rule.stack)
        for part in _short_enough(group)
    ]


def _short_enough(rules: Iterable[EdgeRule]) -> Iterator[list[EdgeRule]]:
    part: list[EdgeRule] = []
    length = 0
    for rule in rules:
        if part and length + len(rule.match.pcre.encode()) > MERGED_CHARS:
            yield part
            part, length = [], 0
        part.append(rule)
        length += len(rule.match.pcre.encode()) + 4
    yield part


def _join(rules: Sequence[EdgeRule]) -> MapLine:
    texts = [rule.match.pcre for rule in rules]
    # A group of its own for each: a flag or an alternative must not leak into its neighbour.
    regex = texts[0] if len(texts) == 1 else "|".join(f"(?:{text})" for text in texts)
    return MapLine(
        regex=f"~{VERBS}{regex}",
        stack=rules[0].stack.value,
        origin=rules[0].origin if len(rules) == 1 else f"{rules[0].origin} … {rules[-1].origin}",
    )


def strip_regex(prefix: str) -> str:
    """
    Match a raw request target below ``prefix``, keeping the rest as ``$tandem_rest``.

    The target is matched before it is decoded, so that the rest stays as the client wrote
    it; the prefix is therefore recognised percent-encoded too.
    """
    inside = "".join(_maybe_encoded(character) for character in prefix[1:])
    return f"^/{inside}(?<tandem_rest>.*)$"


def _maybe_encoded(character: str) -> str:
    encoded = "".join(f"%{byte:02x}" for byte in character.encode())
    plain = re.escape(character) if character.isascii() else encoded
    return f"(?:{plain}|(?i:{encoded}))"


def _relative(files: StaticFiles | None, plan: Plan) -> StaticFiles | None:
    if files is None:
        return None
    return StaticFiles(prefix=files.prefix, directory=_from_run_dir(files.directory, plan))


def _tls(given: Tls | None, plan: Plan) -> Tls | None:
    if given is None:
        return None
    certificate, key = (_from_run_dir(path, plan) for path in (given.certificate, given.key))
    return Tls(certificate=certificate, key=key)


def _from_run_dir(path: str, plan: Plan) -> str:
    """Name what is inside the project from the run directory, so that the tree can move."""
    project, run_dir = PurePath(plan.project.directory), PurePath(plan.run_dir)
    # A relative path is the user's own, and begins where the project does.
    whole = project / path
    if not run_dir.is_relative_to(project) or not whole.is_relative_to(project):
        return str(whole)
    up = PurePath(*[".."] * len(run_dir.relative_to(project).parts))
    return str(up / whole.relative_to(project))


TARGET = Target(name="nginx", summary="the edge: nginx.conf and mime.types", render=render)
