"""The environment variables that settings read, by the ways in which projects read them."""

import sys
from collections.abc import Iterator

import pytest

from django_tandem.model import Variable
from django_tandem.project.deployment import read_variables


@pytest.fixture
def write(tmp_path, monkeypatch) -> Iterator[object]:
    """Return a function that makes `shop.settings` of a text, which is never executed."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text: str, name: str = "shop.settings") -> None:
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        module = type(sys)(name)
        module.__file__ = str(file)
        monkeypatch.setitem(sys.modules, name, module)

    return write


def read() -> dict[str, bool]:
    return {each.name: each.is_required for each in read_variables("shop.settings")}


@pytest.mark.parametrize(
    ("line", "is_required"),
    [
        ('X = os.environ["NAME"]', True),
        ('X = environ["NAME"]', True),
        ('X = os.environ.get("NAME")', False),
        ('X = os.getenv("NAME", "x")', False),
        ('X = env("NAME")', True),
        ('X = env.list("NAME")', True),
        ('X = env.bool("NAME", default=False)', False),
        ('X = config("NAME")', True),
        ('X = config("NAME", cast=int, default=1)', False),
        ('if url := os.environ.get("NAME"): pass', False),
    ],
)
def test_each_way_to_read_one_is_known(line, is_required, write) -> None:
    """One without a default is required."""
    write(line)

    assert read() == {"NAME": is_required}


def test_a_function_of_the_settings_may_read_one(write) -> None:
    """By the name that it is called with."""
    write('def listed(name):\n    return os.environ.get(name, "").split()\nX = listed("HOSTS")\n')

    assert read() == {"HOSTS": False}


@pytest.mark.parametrize(
    "line", ['os.environ["NAME"] = "x"', 'X = settings["NAME"]', "X = env(name)", 'X = f("NAME")']
)
def test_other_code_reads_none(line, write) -> None:
    """It sets one, or reads something else."""
    write(line)

    assert read() == {}


def test_the_settings_that_they_import_are_read_too(write) -> None:
    """A variable that one of them requires is required."""
    write('from shop.settings_base import *\nX = os.environ.get("A")')
    write('X = os.environ["A"], os.environ["B"]', "shop.settings_base")
    write('X = os.environ["C"]', "shop.views")

    assert read_variables("shop.settings") == (
        Variable(name="A", is_required=True),
        Variable(name="B", is_required=True),
    )
