"""What a breakage is: a text of ours, and what it becomes."""

from dataclasses import dataclass

ORACLE = "tests/system/nginx/test_oracle.py"
BY_URLCONF = f"{ORACLE}::test_the_stack_of_the_view_that_django_picks_answers"
ONCE = f"{ORACLE}::test_a_request_is_handed_over_once"


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One breakage of ``file``, and the tests of which at least one must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def oracle_tests(*cases: str) -> tuple[str, ...]:
    """Return the tests that send these URLconfs' paths to both NGINXes."""
    return tuple(
        f"{BY_URLCONF}[{program}-{case}]" for case in cases for program in ("system", "wheel")
    )
