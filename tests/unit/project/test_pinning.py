"""A pin that is written into the source of a settings module."""

import pytest

from django_tandem.model import Pin, Stack
from django_tandem.project.pinning import pin_text, with_pin

PIN = Pin(target="reports", stack=Stack.ASGI)


def edited(source: str, *, has_setting: bool = True) -> str | None:
    return with_pin(source, PIN, has_setting=has_setting)


def test_the_text_is_an_entry_of_routes() -> None:
    """As a person would write it."""
    assert pin_text(PIN) == '("reports", "asgi")'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            'TANDEM = {"ROUTES": [("a", "wsgi")], "DRAIN_S": 5}\n',
            'TANDEM = {"ROUTES": [("a", "wsgi"), ("reports", "asgi")], "DRAIN_S": 5}\n',
        ),
        ('TANDEM = {"ROUTES": []}\n', 'TANDEM = {"ROUTES": [("reports", "asgi")]}\n'),
        (
            'TANDEM = {"ROUTES": [("a", "wsgi"),]}\n',
            'TANDEM = {"ROUTES": [("a", "wsgi"), ("reports", "asgi")]}\n',
        ),
        ("TANDEM = {}\n", 'TANDEM = {"ROUTES": [("reports", "asgi")]}\n'),
        (
            'TANDEM: dict = {"DRAIN_S": 5}\n',
            'TANDEM: dict = {"DRAIN_S": 5, "ROUTES": [("reports", "asgi")]}\n',
        ),
        (
            'TANDEM = {\n    "DRAIN_S": 5,  # short, é\n}\nX = 1\n',
            'TANDEM = {\n    "DRAIN_S": 5,  # short, é\n'
            '    "ROUTES": [("reports", "asgi")],\n}\nX = 1\n',
        ),
        (
            'TANDEM = {\n    "ROUTES": [\n        ("é", "wsgi")  # a, b\n    ],\n}\n',
            'TANDEM = {\n    "ROUTES": [\n        ("é", "wsgi"),  # a, b\n'
            '        ("reports", "asgi"),\n    ],\n}\n',
        ),
    ],
)
def test_a_dict_that_is_written_out_gets_the_entry(source, expected) -> None:
    """Behind the others, and nothing else changes."""
    assert edited(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            'X = 1\r\nTANDEM = {\r\n    "DRAIN_S": 5,\r\n}\r\n',
            'X = 1\r\nTANDEM = {\r\n    "DRAIN_S": 5,\r\n'
            '    "ROUTES": [("reports", "asgi")],\r\n}\r\n',
        ),
        (
            'X = "a\x0cb\u2028c"\n\x0c\nTANDEM = {"DRAIN_S": 5}\n',
            'X = "a\x0cb\u2028c"\n\x0c\nTANDEM = {"DRAIN_S": 5, "ROUTES": [("reports", "asgi")]}\n',
        ),
    ],
)
def test_the_ends_of_lines_stay(source, expected) -> None:
    """Those of Windows, and characters that end no line in Python."""
    assert edited(source) == expected
    assert edited("X = 1\r\n", has_setting=False) == (
        'X = 1\r\n\r\nTANDEM = {"ROUTES": [("reports", "asgi")]}\r\n'
    )


def test_settings_without_tandem_get_one() -> None:
    """At the end of the module."""
    expected = 'DEBUG = True\n\nTANDEM = {"ROUTES": [("reports", "asgi")]}\n'

    assert edited("DEBUG = True\n", has_setting=False) == expected
    assert edited("DEBUG = True", has_setting=False) == expected


@pytest.mark.parametrize(
    "source",
    [
        "from base import *\n",
        "TANDEM = make()\n",
        'TANDEM = {}\nTANDEM["ROUTES"] = []\n',
        "if True:\n    TANDEM = {}\n",
        'TANDEM = {"ROUTES": other}\n',
        'TANDEM = {"ROUTES": [*other]}\n',
        'TANDEM = {"ROUTES": (("a", "wsgi"),)}\n',
        "TANDEM = OTHER = {}\n",
        'TANDEM = {"ROUTES": [("a", "wsgi")], **OTHER}\n',
        "TANDEM = {**OTHER}\n",
        'TANDEM = {"ROUTES": [], NAME: []}\n',
        'TANDEM = {"ROUTES": [], "ROUTES": []}\n',
        "TANDEM = {\n",
    ],
)
def test_any_other_is_left_alone(source) -> None:
    """An edit could change what it means."""
    assert edited(source) is None
