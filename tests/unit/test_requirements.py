"""The requirements accept the versions that projects pin."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
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
