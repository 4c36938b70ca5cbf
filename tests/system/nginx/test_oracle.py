"""Django's resolver is the oracle: the stack that answers is that of the view it picks."""

import functools
from types import ModuleType

import oracle.configured  # noqa: F401 - Django, for all of these tests
import pytest
from django.test import override_settings
from oracle.cases import Case, case_of, colourings, module_of, names, settings_of
from oracle.edges import Edge, edge_for
from oracle.expectation import (
    Expectation,
    answered_wrongly,
    expectations,
    refused_wrongly,
    sent_wrongly,
)
from oracle.served import HEADER, HEADER_ON_ASGI
from oracle.targets import plain, targets_of

LEAST = 80


@functools.cache
def compiled(module: ModuleType) -> tuple[Case, tuple[Expectation, ...]]:
    case = case_of(module.__name__)
    return case, tuple(expectations(case, targets_of(module.PATHS)))


def test_there_are_enough_urlconfs() -> None:
    """Fewer would leave out a kind of pattern that a URLconf may hold."""
    assert len(names()) >= LEAST


@pytest.mark.parametrize("name", names())
def test_the_stack_of_the_view_that_django_picks_answers(name, nginx_program, named, real) -> None:
    """The edge sends each target there at once, or it is handed over; only WSGI is ever wrong."""
    for module in colourings(name):
        with override_settings(**settings_of(module)):
            case, asked = compiled(module)
            with edge_for(nginx_program, case.verdicts, named) as edge:
                assert wrong(edge, module, asked, real) == []


def wrong(edge: Edge, module: ModuleType, asked, real) -> list:
    found = [*refused_wrongly(edge, targets_of(module.PATHS)), *sent_wrongly(edge, asked)]
    known = set(map(plain, module.PATHS[:2]))
    doubtful = [each for each in asked if each.may_be_handed_over or each.target in known]
    edge.stand_before(real(settings_of(module)))
    return [*found, *answered_wrongly(edge, doubtful, **{HEADER: module.__name__})]


@pytest.mark.parametrize(
    ("target", "on_wsgi", "on_asgi", "answer"),
    [(b"/about/", 1, 0, "2 asgi"), (b"/", 0, 1, "1 wsgi")],
    ids=["from-wsgi", "from-asgi"],
)
def test_a_request_is_handed_over_once(
    nginx_program, real, *, target, on_wsgi, on_asgi, answer
) -> None:
    """Each of two stacks that disagree would send it to the other forever."""
    module = module_of("plain_paths")
    with edge_for(nginx_program, compiled(module)[0].verdicts, real({})) as edge:
        names = [f"urlconfs_{bit}.plain_paths" for bit in (on_wsgi, on_asgi)]
        (answered,) = edge.ask([target], **{HEADER: names[0], HEADER_ON_ASGI: names[1]})

    assert (answered.status, answered.text) == (200, answer)
