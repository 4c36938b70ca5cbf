"""Django's resolver is the oracle for URLconfs that nobody wrote."""

import itertools
import json
from urllib.parse import quote

import oracle.configured  # noqa: F401 - Django, for all of these tests
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.cases import case_of
from oracle.edges import edges_for
from oracle.expectation import answered_wrongly, expectations, sent_wrongly
from oracle.generated import rejecting_slow_patterns, urlconf_of
from oracle.served import HEADER
from oracle.strategies import PATHS, URLCONFS
from oracle.targets import grown, plain

# On each of two NGINXes, and other ones each time. Some share an NGINX, which takes most of its
# start for what is the same in all.
URLCONFS_OF_ALL, SHARING = 300, 3
EXAMPLE = st.tuples(URLCONFS, PATHS, st.integers(0, 50))


@pytest.mark.timeout(600)
@settings(
    max_examples=URLCONFS_OF_ALL // SHARING,
    # Another seed each time; what fails is printed so that it can be tried again.
    derandomize=False,
    database=None,
    print_blob=True,
    deadline=None,
    # A busy machine is no finding.
    suppress_health_check=[HealthCheck.too_slow],
)
@given(examples=st.lists(EXAMPLE, min_size=SHARING, max_size=SHARING))
def test_of_any_urlconf_the_stack_that_django_picks_answers(
    nginx_program, named, real, *, examples
) -> None:
    """URLconfs and paths that nobody thought of: at once, or where it can't be, handed over."""
    cases = [case_of(urlconf_of(specs)) for specs, _, _ in examples]
    with rejecting_slow_patterns():
        every = [
            tuple(expectations(case, [*map(plain, paths), odd(paths[0], turn)]))
            for case, (_, paths, turn) in zip(cases, examples, strict=True)
        ]
    with edges_for(nginx_program, [case.verdicts for case in cases], named) as edges:
        for edge, asked, (specs, _, _) in zip(edges, every, examples, strict=True):
            edge.stand_before(named)
            assert sent_wrongly(edge, asked) == []

            doubtful = [expectation for expectation in asked if expectation.may_be_handed_over]
            edge.stand_before(real({}) if doubtful else named)
            header = quote(json.dumps(specs), safe="")
            assert answered_wrongly(edge, doubtful, **{HEADER: header}) == []


def odd(path: str, turn: int) -> bytes:
    """Return one of the targets that grow from ``path``."""
    grown_of_path = itertools.cycle(grown(path))
    return next(itertools.islice(grown_of_path, turn, None))
