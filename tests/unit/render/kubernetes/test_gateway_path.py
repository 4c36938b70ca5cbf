"""Literal prefixes become paths that the Gateway API accepts and all clients write alike."""

import pytest

from django_tandem.project.regex.prefixes import LiteralPrefix
from django_tandem.render.kubernetes.gateway_path import (
    LONGEST,
    GatewayPath,
    covering,
    covering_prefix,
    gateway_path,
)


def _lowered(text: str, *, is_whole: bool) -> str:
    found = gateway_path(LiteralPrefix(text=text, is_whole=is_whole))
    return found.path + ("…" if found.is_prefix else "")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/", "/"),
        ("/feed/", "/feed/"),
        ("/feed", "/feed"),
        ("/a.b/~c/-_/", "/a.b/~c/-_/"),
        ("", "/…"),
        ("/users/@me/", "/users…"),
        ("/café/", "/…"),
        ("/a b/c", "/…"),
        ("/a//b", "/a…"),
        ("/a/../b", "/a…"),
        ("/a/./b", "/a…"),
        ("/a/..", "/a…"),
        ("/a/.well-known/x", "/a/.well-known/x"),
        ("/a/..b", "/a/..b"),
        ("/x/" + "a" * LONGEST, "/x…"),
    ],
)
def test_a_whole_path_is_exact_where_it_has_one_spelling(text, path) -> None:
    """Other characters may be percent-encoded, and gateways normalize slashes and dots."""
    assert _lowered(text, is_whole=True) == path


@pytest.mark.parametrize(
    ("text", "path"),
    [("/", "/…"), ("/feed/", "/feed…"), ("/feed", "/…"), ("/a/fee", "/a…"), ("/a/é", "/a…")],
)
def test_a_prefix_ends_with_a_segment(text, path) -> None:
    """The Gateway API compares whole segments: `/feed` may be the beginning of `/feedback`."""
    assert _lowered(text, is_whole=False) == path


def test_a_prefix_covers_whole_segments() -> None:
    """Itself and what is below it, and not a longer name."""
    prefix = GatewayPath(path="/feed", is_prefix=True)

    covered = [
        path
        for path in ("/feed", "/feed/", "/feed/a/b", "/feedback", "/")
        if prefix.covers(GatewayPath(path=path))
    ]

    assert covered == ["/feed", "/feed/", "/feed/a/b"]


def test_the_most_specific_path_covers() -> None:
    """One path comes before a prefix, and a longer prefix before a shorter one."""
    api, stream = GatewayPath(path="/api", is_prefix=True), GatewayPath(path="/api/stream")
    among = {GatewayPath(path="/", is_prefix=True), api, stream}

    assert covering(stream, among) == stream
    assert covering(GatewayPath(path="/api/lots"), among) == api
    assert covering_prefix(LiteralPrefix(text="/api/"), among) == api
    assert covering_prefix(LiteralPrefix(text="/api"), among) == GatewayPath(
        path="/", is_prefix=True
    )
    assert covering_prefix(LiteralPrefix(text="/"), {api}) is None


def test_a_prefix_overlaps_what_may_begin_alike() -> None:
    """Also where the text ends within a segment of it."""
    prefix = GatewayPath(path="/api/v2", is_prefix=True)
    texts = ("/api/v2/x", "/api/v", "/api/v2", "/", "/api/v3", "/api/v22")

    found = [text for text in texts if prefix.overlaps(LiteralPrefix(text=text))]

    assert found == ["/api/v2/x", "/api/v", "/api/v2", "/"]
