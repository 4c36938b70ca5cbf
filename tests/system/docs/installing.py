"""What `pip install` on a page asks for, against what there is."""

import tomllib
from importlib.metadata import version

from docs.blocks import ROOT
from packaging.requirements import Requirement

OURS = "django-tandem"


def check_installed(arguments: list[str]) -> None:
    """Assert that each requirement is installed here, and each extra of ours declared."""
    for argument in arguments:
        requirement = Requirement(argument)
        needed = _needed(requirement) if requirement.name == OURS else [requirement]
        for each in needed:
            assert each.specifier.contains(version(each.name), prereleases=True), argument


def _needed(requirement: Requirement) -> list[Requirement]:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = declared["optional-dependencies"]
    unknown = requirement.extras - extras.keys()
    assert not unknown, f"{requirement}: {unknown} is no extra of {OURS}"
    texts = [
        *declared["dependencies"],
        *(one for name in requirement.extras for one in extras[name]),
    ]
    found = [Requirement(text) for text in texts]
    return [each for each in found if each.marker is None or each.marker.evaluate()]
