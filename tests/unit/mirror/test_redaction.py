"""Examples have no secrets."""

import time

import pytest

from django_tandem.mirror.redaction import redacted, redacted_target, redacted_value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"api_key": "k-1"', '"api_key": …'),
        ("password=hunter2&next=/", "password=…&next=/"),
        (
            '<input name="token" data-session-token="abc">',
            '<input name="token" data-session-token=…>',
        ),
        ('<input type="password" value="hunter2">', '<input type="password" value=…>'),
        ('<input value=abc123 name="api_key">', '<input value=… name="api_key">'),
        ("<meta name=csrf-token content='a>b'>c", "<meta name=csrf-token content=…>c"),
        ('<b class="pass">: value="x"', '<b class="pass">: value="x"'),
        ('{"name": "api_key", "value": "abc123"}', '{"name": "api_key", "value": …}'),
        ('<input name="q" value="lots">', '<input name="q" value="lots">'),
        ("Authorization: Bearer", "Authorization: …"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_1", "…"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "…"),
        # Neither words nor numbers are secrets.
        (
            "a perfectly ordinary-but-quite-long-sentence",
            "a perfectly ordinary-but-quite-long-sentence",
        ),
        ("price 123456789012345678901234567890", "price 123456789012345678901234567890"),
        ("2026-11-26T12:00:00", "2026-11-26T12:00:00"),
    ],
)
def test_what_looks_like_a_secret_is_removed(text, expected) -> None:
    """By its name, or by its letters and digits."""
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "part", ["a", "token", "a=", "token=", "a:", "-", "value=", "name=token ", "<", "'"]
)
def test_long_texts_take_a_time_in_proportion_to_their_length(part) -> None:
    """A client may send any path, and others wait for its end."""
    began = time.process_time()
    for text in (part * 20_000, f"{part * 20_000}\n"):
        redacted(text)

    # Where each character is read a few times, this is a fraction of a second.
    assert time.process_time() - began < 10


def test_a_long_path_is_shortened() -> None:
    """Behind the removal: a part of a secret would not be recognized."""
    found = redacted_target(f"/{'a/' * 80}{'5f4dcc3b' * 80}/{'b/' * 80}?q=1")

    assert (found, len(found)) == (f"/{'a/' * 80}…/{'b/' * 18}…?q=…", 204)


def test_the_name_of_a_value_can_make_it_a_secret() -> None:
    """As the last step of a JSON path does."""
    assert redacted_value("$.users[].password", '"x"') == "…"
    assert redacted_value("$.users[].name", '"x"') == '"x"'


def test_a_target_keeps_the_names_of_its_query() -> None:
    """A value may be a token, or what somebody searches for."""
    assert redacted_target("/lots/?page=2&q=a%20b&page=3") == "/lots/?page=…&q=…"
    assert redacted_target("/reset/?5f4dcc3b5aa765d61d8327deb882cf99") == "/reset/?…=…"
    assert redacted_target("/reset/5f4dcc3b5aa765d61d8327deb882cf99/") == "/reset/…/"
