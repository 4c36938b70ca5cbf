"""The requirements accept the versions that projects pin."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [
    Requirement(text)
    for text in [*PROJECT["dependencies"], *(r for e in EXTRAS.values() for r in e)]
]


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("gunicorn", "23.0.0"),
        ("redis", "8.1.0"),
        ("daphne", "4.1.2"),
        ("psutil", "5.9.8"),
        ("channels", "4.1.0"),
        ("asgiref", "3.11.0"),
    ],
)
def test_a_pinned_version_installs_beside_tandem(name, version) -> None:
    """Each was run against the tests of the servers; a check names what it can't do."""
    refusing = [
        str(each) for each in REQUIREMENTS if each.name == name and version not in each.specifier
    ]

    assert refusing == []


def test_each_pin_is_of_a_package_that_is_needed() -> None:
    """`make test` installs what is pinned, and then what is required."""
    needed: set[tuple[str, str]] = set()
    files = (*ROOT.glob("requirements-*.txt"), ROOT / "example" / "requirements.txt")
    waiting = [*REQUIREMENTS, *(each for file in files for each in listed(file))]
    while waiting:
        each = waiting.pop()
        new = {(canonicalize_name(each.name), extra) for extra in ("", *each.extras)} - needed
        needed |= new
        waiting += [found for name, extra in new for found in required_by(name, extra)]

    pinned = {canonicalize_name(each.name) for each in listed(ROOT / "constraints.txt")}
    assert pinned - {name for name, _ in needed} == set()


def listed(file: Path) -> list[Requirement]:
    lines = file.read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def required_by(name: str, extra: str) -> Iterator[Requirement]:
    """Yield what an installed package requires on a Python that is supported."""
    try:
        found = [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:
        return
    for each in found:
        places = [{"extra": extra, "python_version": python} for python in ("3.11", "3.13")]
        if each.marker is None or any(map(each.marker.evaluate, places)):
            yield each
