"""docs/explanation/middleware.md says what each middleware costs, as it is counted here."""

from thread_switches.cases import ALONE, found_in_django
from thread_switches.table import DOCUMENT, measured, rewritten


def test_each_middleware_costs_what_the_documentation_says():
    """Each row holds for the installed versions, stock and here."""
    written = DOCUMENT.read_text()

    # When it does not hold: cd tests && python -m thread_switches.table
    assert rewritten(written, measured()) == written


def test_no_middleware_of_django_is_left_out():
    """Each middleware class of the installed Django has its own row."""
    assert set(found_in_django()) <= {case.name for case in ALONE}
