"""JSON is compared by its values, a page without its tokens, any other body by its bytes."""

import pytest
from mirror.responses import as_json, html, response

from django_tandem.mirror import Ignored, MirroredResponse, parse_ignored
from django_tandem.mirror.bodies import MOST_PATHS, BodyDifference, compare_bodies

NOTHING = Ignored()
TOKENS = ("aB" * 32, "Cd" * 32)


def _places(home: MirroredResponse, other: MirroredResponse, *ignored: str) -> list[str]:
    return [each.place for each in compare_bodies(home, other, parse_ignored(ignored))]


def test_json_is_compared_by_its_values() -> None:
    """Neither the order of keys nor spaces count."""
    home = response('{"a": 1, "b": [1, 2]}', ("Content-Type", "application/json"))
    other = response('{"b":[1,2],"a":1}', ("Content-Type", "application/json"))

    assert compare_bodies(home, other, NOTHING) == []


@pytest.mark.parametrize(
    ("home", "other", "place", "values"),
    [
        ({"a": 1}, {"a": 2}, "$.a", ("1", "2")),
        ({"a": 1}, {}, "$.a", ("1", "no value")),
        ([1], [1, None], "$[]", ("no value", "null")),
        ([{"a": {"b": "x"}}], [{"a": {"b": "y"}}], "$[].a.b", ('"x"', '"y"')),
        (1, 1.0, "$", ("1", "1.0")),
        (1, True, "$", ("1", "true")),
        ({"a": []}, {"a": {}}, "$.a", ("[]", "{}")),
    ],
)
def test_a_difference_of_json_has_its_path(home, other, place, values) -> None:
    """An index is the same in each path, as a list may differ in all of its objects."""
    assert compare_bodies(as_json(home), as_json(other), NOTHING) == [
        BodyDifference(place=place, home=values[0], other=values[1])
    ]


def test_each_path_is_named_once_and_only_so_many() -> None:
    """Of a list, the first object is the example."""
    (only,) = compare_bodies(as_json([{"a": 1}, {"a": 2}]), as_json([{"a": 5}, {"a": 6}]), NOTHING)
    many = ({str(key): number for key in range(100)} for number in (1, 2))

    assert (only.home, only.other) == ("1", "5")
    assert len(compare_bodies(*map(as_json, many), NOTHING)) == MOST_PATHS


def test_a_json_path_that_is_ignored_is_not_compared() -> None:
    """Nor what is below it."""
    home = as_json({"at": 1, "lots": [{"age": {"s": 1}, "price": 1}]})
    other = as_json({"at": 2, "lots": [{"age": {"s": 2}, "price": 2}]})

    assert _places(home, other, "$.at", "$.lots[*].age") == ["$.lots[].price"]
    assert _places(home, other, "$.at", "$.lots[0]") == []


def test_json_that_is_damaged_is_compared_as_text() -> None:
    """A server may have cut it."""
    home, other = (response(each, ("Content-Type", "application/json")) for each in ("{", "{}"))

    assert compare_bodies(home, other, NOTHING) == [
        BodyDifference(home="{", other="{}", excerpt=("@@ line 1 @@", "-{", "+{}"))
    ]


@pytest.mark.parametrize(
    "page",
    [
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">',
        "<input name='csrfmiddlewaretoken' type='hidden' value='{}'>",
        '<meta name="csrf-token" content="{}">',
        '<script nonce="{}">',
        '<script>const token = "{}";</script>',
        '<body hx-headers=\'{{"X-CSRFToken": "{}"}}\'>',
    ],
)
def test_the_tokens_of_a_page_are_not_compared(page) -> None:
    """Each response has its own."""
    home, other = (html(page.format(token)) for token in TOKENS)

    assert compare_bodies(home, other, NOTHING) == []


def test_a_token_in_json_is_not_compared() -> None:
    """Single-page applications fetch it."""
    home, other = (as_json({"csrfToken": token}) for token in TOKENS)

    assert compare_bodies(home, other, NOTHING) == []


def test_a_digest_is_compared() -> None:
    """It is as long as a token, and the same on both stacks."""
    home, other = (html(each * 32) for each in ("a1", "b2"))

    assert _places(home, other) == [""]


def test_what_a_regex_matches_is_not_compared() -> None:
    """In text and in the strings of JSON."""
    pages = (html(f"<p>took {number} ms</p>") for number in (1, 22))
    values = (as_json({"note": f"took {number} ms"}) for number in (1, 22))

    assert _places(*pages, r"/took \d+ ms/") == []
    assert _places(*values, r"/took \d+ ms/") == []


def test_the_excerpt_is_around_the_first_difference_of_a_page() -> None:
    """Unified, and not longer than needed."""
    lines = [f"line {number}" for number in range(1, 1000)]
    changed = [*lines]
    changed[499] = "another"
    (found,) = compare_bodies(html("\n".join(lines)), html("\n".join(changed)), NOTHING)

    assert (found.home, found.other) == ("line 500", "another")
    assert found.excerpt == (
        *("@@ line 500 @@", " line 498", " line 499"),
        *("-line 500", "+another", " line 501", " line 502"),
    )


def test_a_line_that_is_missing_is_a_difference() -> None:
    """A long line is cut in the example."""
    (found,) = compare_bodies(html("a"), html("a\n" + "b" * 1000), NOTHING)

    assert found.home == "no line"
    assert found.other == "b" * 199 + "…"


def test_the_example_of_a_long_line_shows_its_difference() -> None:
    """As a page has it that was minified."""
    (found,) = compare_bodies(*(html("<b>" * 500 + end + "</b>" * 500) for end in "xy"), NOTHING)

    assert (found.home[50:52], found.other[50:52]) == (">x", ">y")
    assert found.home[0] == found.home[-1] == "…"
    assert len(found.excerpt) == 3


def test_text_of_another_encoding_is_compared() -> None:
    """By bytes that are no UTF-8, and would all be the same character."""
    header = ("Content-Type", "text/plain; charset=iso-8859-1")
    (found,) = compare_bodies(response(b"caf\xe8", header), response(b"caf\xe9", header), NOTHING)

    assert (found.home, found.other) == ("caf\udce8", "caf\udce9")


def test_other_bodies_are_compared_by_their_bytes() -> None:
    """Also those whose Content-Type differs."""
    png = ("Content-Type", "image/png")

    assert compare_bodies(response(b"\x89PNG1", png), response(b"\x89PNG2", png), NOTHING) == [
        BodyDifference(home="5 bytes, at byte 4: 31", other="5 bytes, at byte 4: 32")
    ]
    assert compare_bodies(html("a"), response("ab", png), NOTHING) == [
        BodyDifference(home="1 bytes, at byte 1", other="2 bytes, at byte 1: 62")
    ]
