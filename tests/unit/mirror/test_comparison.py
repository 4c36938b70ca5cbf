"""What two stacks always send differently is no difference; everything else is."""

import pytest
from mirror.responses import html, response

from django_tandem.mirror import Difference, DifferenceKind, Ignored, compare, parse_ignored

NOTHING = Ignored()


def _header(name: str, home: str, other: str) -> Difference:
    return Difference(kind=DifferenceKind.HEADER, name=name, home=home, other=other)


def test_equal_responses_have_no_difference() -> None:
    """The case of a header's name is none."""
    home = response("ok", ("X-Frame-Options", "DENY"))
    other = response("ok", ("x-frame-options", "DENY"))

    assert compare(home, other, NOTHING) == ()


def test_another_status_is_the_only_difference() -> None:
    """The rest of an error page says nothing of the view."""
    failed = response("error", ("Content-Type", "text/html"), status=500)

    assert compare(response("ok"), failed, NOTHING) == (
        Difference(kind=DifferenceKind.STATUS, home="200", other="500"),
    )


@pytest.mark.parametrize(
    ("name", "home", "other"),
    [
        ("Date", "Thu, 26 Nov 2026 12:00:00 GMT", "Thu, 26 Nov 2026 12:30:00 GMT"),
        ("Server", "gunicorn", "uvicorn"),
        ("Connection", "close", "keep-alive"),
        ("Content-Length", "2", "3"),
        ("X-Request-ID", "a", "b"),
        ("Server-Timing", "db;dur=1", "db;dur=2"),
        ("X-Tandem-Request", "0.001", "0.002"),
        ("X-Accel-Buffering", "no", "yes"),
        ("Expires", "Thu, 26 Nov 2026 12:00:00 GMT", "Thu, 26 Nov 2026 12:00:01 GMT"),
        ("Set-Cookie", "csrftoken=a; Path=/; expires=Thu", "csrftoken=b; Path=/; expires=Fri"),
        (
            "Content-Security-Policy",
            "script-src 'self' 'nonce-abc='",
            "script-src 'self' 'nonce-xyz='",
        ),
    ],
)
def test_what_differs_in_each_response_is_not_compared(name, home, other) -> None:
    """Neither a time nor what the server adds is of the view."""
    assert compare(response("ok", (name, home)), response("ok", (name, other)), NOTHING) == ()


@pytest.mark.parametrize(
    ("name", "home", "other"),
    [
        ("Cache-Control", "private", "public"),
        ("Content-Type", "text/html", "text/plain"),
        ("Expires", "Thu, 26 Nov 2026 12:00:00 GMT", "Thu, 26 Nov 2026 13:00:00 GMT"),
        ("X-Accel-Redirect", "/files/1.pdf", "/files/2.pdf"),
        ("Expires", "0", "Thu, 26 Nov 2026 13:00:00 GMT"),
        ("Content-Security-Policy", "script-src 'nonce-a'", "script-src 'self' 'nonce-a'"),
    ],
)
def test_another_value_of_a_header_is_a_difference(name, home, other) -> None:
    """Both values are in it."""
    (found,) = compare(response("ok", (name, home)), response("ok", (name, other)), NOTHING)

    assert (found.kind, found.name) == (DifferenceKind.HEADER, name.lower())
    assert (found.home != found.other) is True


def test_a_missing_header_is_a_difference() -> None:
    """On either side."""
    vary = response("ok", ("Vary", "Cookie"))

    assert compare(vary, response("ok"), NOTHING) == (_header("vary", "Cookie", "no header"),)
    assert compare(response("ok"), vary, NOTHING) == (_header("vary", "no header", "Cookie"),)


def test_a_cookie_is_compared_without_its_value() -> None:
    """The value is a secret; its attributes count in any order."""
    home = response("ok", ("Set-Cookie", "sessionid=abc; HttpOnly; Path=/"))
    same = response("ok", ("Set-Cookie", "sessionid=xyz; Path=/; HttpOnly"))
    other = response("ok", ("Set-Cookie", "sessionid=xyz; Path=/"))

    assert compare(home, same, NOTHING) == ()
    assert compare(home, other, NOTHING) == (
        _header("set-cookie", "sessionid=…; HttpOnly; Path=/", "sessionid=…; Path=/"),
    )


def test_an_etag_counts_where_the_bodies_are_the_same() -> None:
    """A token in the body changes it too."""
    form = '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
    home, other = (html(form.format(token), ("ETag", token)) for token in ("a", "b"))

    assert compare(home, other, NOTHING) == ()
    assert compare(response("ok", ("ETag", "a")), response("ok", ("ETag", "b")), NOTHING) == (
        _header("etag", "a", "b"),
    )


def test_a_header_that_is_ignored_is_not_compared() -> None:
    """In any case."""
    sides = (response("ok", ("X-Served-By", name)) for name in ("a", "b"))

    assert compare(*sides, parse_ignored(["x-served-BY"])) == ()


def test_a_difference_of_the_bodies_has_its_place() -> None:
    """And an excerpt."""
    (found,) = compare(html("<p>\na\n"), html("<p>\nb\n"), NOTHING)

    assert found == Difference(
        kind=DifferenceKind.BODY,
        home="a",
        other="b",
        excerpt=("@@ line 2 @@", " <p>", "-a", "+b"),
    )
