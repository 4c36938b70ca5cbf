"""Django's resolver is the oracle for URLconfs that nobody wrote."""

import itertools
import json
from urllib.parse import quote

import oracle.configured  # noqa: F401 - Django, for all of these tests
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.cases import case_of
from oracle.edges import edge_for
from oracle.expectation import answered_wrongly, expectations, sent_wrongly
from oracle.generated import rejecting_slow_patterns, urlconf_of
from oracle.served import HEADER
from oracle.strategies import PATHS, URLCONFS
from oracle.targets import grown, plain

# On each of two NGINXes, and other ones each time.
EXAMPLES = 300


@pytest.mark.timeout(600)
@settings(
    max_examples=EXAMPLES,
    # Another seed each time; what fails is printed so that it can be tried again.
    derandomize=False,
    database=None,
    print_blob=True,
    deadline=None,
    # A busy machine is no finding.
    suppress_health_check=[HealthCheck.too_slow],
)
@given(specs=URLCONFS, paths=PATHS, turn=st.integers(0, 50))
def test_of_any_urlconf_the_stack_that_django_picks_answers(
    nginx_program, named, real, *, specs, paths, turn
) -> None:
    """URLconfs and paths that nobody thought of: at once, or where it can't be, handed over."""
    case = case_of(urlconf_of(specs))
    odd = itertools.islice(itertools.cycle(grown(paths[0])), turn, turn + 1)
    with rejecting_slow_patterns():
        asked = tuple(expectations(case, [*map(plain, paths), *odd]))
    with edge_for(nginx_program, case.verdicts, named) as edge:
        assert sent_wrongly(edge, asked) == []

        doubtful = [expectation for expectation in asked if expectation.may_be_handed_over]
        edge.stand_before(real({}) if doubtful else named)
        header = quote(json.dumps(specs), safe="")
        assert answered_wrongly(edge, doubtful, **{HEADER: header}) == []
