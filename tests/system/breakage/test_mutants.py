"""Each breakage still fits the code: `make mutants` runs for hours, and not with each change."""

import re

import pytest
from mutants import ROOT, SUBJECTS

SOURCE = ROOT / "src" / "django_tandem"
MUTANTS = [mutant for mutants in SUBJECTS.values() for mutant in mutants]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_breakage_is_of_one_place_and_has_its_tests(mutant) -> None:
    """A text that has been edited can't be broken, and a test that has a new name can't fail."""
    assert (SOURCE / mutant.file).read_text().count(mutant.old) == 1
    assert [each for each in mutant.tests if not _exists(each)] == []


def _exists(test: str) -> bool:
    """Return whether the file is there, and the function of a test that names one."""
    file, _, name = test.partition("::")
    if not (ROOT / file).is_file():
        return False
    function = rf"^(async )?def {name.partition('[')[0]}\("
    return not name or re.search(function, (ROOT / file).read_text(), re.MULTILINE) is not None
