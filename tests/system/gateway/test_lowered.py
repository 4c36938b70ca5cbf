"""Django's resolver is the oracle: no path of a view for ASGI is sent to WSGI by a gateway."""

import oracle.configured  # noqa: F401 - Django, for all of these tests
import pytest
from django.test import override_settings
from gateway.lowered import is_normal, path_of, routes_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import UnsatisfiedAssumption
from oracle.cases import Case, case_of, colourings, names, settings_of
from oracle.generated import rejecting_slow_patterns, urlconf_of
from oracle.resolver import resolve_with_django
from oracle.strategies import PATHS, URLCONFS
from oracle.targets import grown, refusal, targets_of

from django_tandem.model import Stack
from harness.gateway_api import chosen, matches_of


def sent_wrongly(case: Case, targets: list[bytes]) -> list[tuple[bytes, int]]:
    """Return the targets that a gateway sends to WSGI, and the number of their view for ASGI."""
    matches = matches_of(routes_of(case.verdicts))
    wrong = []
    for target in targets:
        resolution = resolve_with_django(case.urlconf, target)
        match = chosen(matches, path_of(target))
        if resolution and resolution.stack is Stack.ASGI and match and match.backend == "wsgi":
            wrong.append((target, resolution.number))
    return wrong


def _asked(targets: list[bytes]) -> list[bytes]:
    return [target for target in targets if refusal(target) is None and is_normal(target)]


@pytest.mark.parametrize("name", names())
def test_no_path_of_asgi_is_sent_to_wsgi(name) -> None:
    """Of the URLconfs that hold each kind of pattern, with each view on either stack."""
    for module in colourings(name):
        with override_settings(**settings_of(module)):
            asked = _asked(targets_of(module.PATHS))

            assert sent_wrongly(case_of(module.__name__), asked) == []


@settings(
    max_examples=100,
    # Another seed each time; what fails is printed so that it can be tried again.
    derandomize=False,
    database=None,
    print_blob=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(specs=URLCONFS, paths=PATHS, turn=st.integers(0, 50))
def test_of_any_urlconf_no_path_of_asgi_is_sent_to_wsgi(specs, paths, turn) -> None:
    """URLconfs and paths that nobody thought of."""
    targets = [target for path in paths for target in grown(path, turn)]

    with rejecting_slow_patterns():
        assert sent_wrongly(case_of(urlconf_of(specs)), _asked(targets)) == []


def test_patterns_that_no_project_has_are_rejected() -> None:
    """Python matches three parameters in a row in the third power of the path's length."""
    urlconf = urlconf_of([["path", "<str:a><str:b><str:c>é/", True]])

    with pytest.raises(UnsatisfiedAssumption), rejecting_slow_patterns(0.2):
        resolve_with_django(urlconf, b"/" + b"x" * 9000)
