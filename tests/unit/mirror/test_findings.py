"""Comparisons are added up; each kind of difference has its first example."""

import json
import time

import pytest

from django_tandem.mirror import Difference, DifferenceKind, Findings, MirrorReport
from django_tandem.mirror import findings as module
from django_tandem.mirror.findings import (
    Finding,
    is_noise,
    redacted,
    redacted_target,
    redacted_value,
    report_from_json,
)

VARY = Difference(kind=DifferenceKind.HEADER, name="vary", home="Cookie", other="no header")
AGE = Difference(kind=DifferenceKind.BODY, name="$.age", home="1", other="2")
TEXT = Difference(
    kind=DifferenceKind.BODY, home="a", other="password=b", excerpt=("-a", "+password=b")
)


def test_each_kind_is_counted_with_its_first_example() -> None:
    """The most frequent first."""
    findings = Findings()
    findings.add("/a/?q=x", [AGE])
    findings.add("/b/", [])
    findings.add("/c/", [VARY, AGE])

    assert findings.report() == MirrorReport(
        compared=3,
        differing=2,
        findings=(
            Finding(count=2, target="/a/?q=…", example=AGE),
            Finding(count=1, target="/c/", example=VARY),
        ),
    )
    assert findings.report().equal == 1


def test_what_differs_on_the_home_stack_too_is_unstable() -> None:
    """By its kind and name: the values differ each time."""
    findings = Findings()
    again = Difference(kind=DifferenceKind.BODY, name="$.age", home="1", other="3")
    findings.add("/", [AGE], [again])
    findings.add("/", [AGE, VARY], [again])

    assert findings.report() == MirrorReport(
        compared=2,
        differing=1,
        unstable=1,
        findings=(Finding(count=1, target="/", example=VARY),),
    )


def test_a_value_that_is_random_on_both_stacks_is_no_difference() -> None:
    """By chance, every other request finds the value at home that it had there before."""
    findings = Findings()
    for number in range(40):
        findings.add("/", [AGE], [AGE] if number % 2 else [])
    findings.add("/", [VARY])
    (only,) = findings.report().findings

    assert (only.count, only.example) == (1, VARY)
    assert (findings.report().differing, findings.report().unstable) == (1, 40)


@pytest.mark.parametrize(
    ("differing", "unstable", "expected"),
    [(1, 0, False), (1, 1, True), (7, 1, True), (8, 1, False), (60, 40, True), (62, 38, False)],
)
def test_a_kind_is_noise_unless_the_stacks_differ_more_often(differing, unstable, expected) -> None:
    """Without any at home, one is enough."""
    assert is_noise(differing, unstable) is expected


def test_an_example_has_no_secrets() -> None:
    """It is written to disk."""
    findings = Findings()
    findings.add("/", [TEXT])
    (only,) = findings.report().findings

    assert (only.example.other, only.example.excerpt) == ("password=…", ("-a", "+password=…"))


def test_kinds_have_an_upper_bound(monkeypatch) -> None:
    """The totals count all."""
    monkeypatch.setattr(module, "MOST_FINDINGS", 1)
    findings = Findings()
    findings.add("/", [VARY, AGE])
    findings.add("/", [VARY])

    assert [(each.count, each.example) for each in findings.report().findings] == [(2, VARY)]
    assert findings.report().differing == 2


def test_requests_without_a_comparison_are_counted() -> None:
    """A stack gave no response, or the mirror was busy."""
    findings = Findings()
    findings.add_failed()
    findings.add_dropped()

    assert findings.report() == MirrorReport(failed=1, dropped=1)


def test_a_report_is_read_as_it_was_written() -> None:
    """As JSON."""
    findings = Findings()
    findings.add("/", [VARY, TEXT])
    report = findings.report()

    assert report_from_json(json.loads(json.dumps(report.as_json()))) == report


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
