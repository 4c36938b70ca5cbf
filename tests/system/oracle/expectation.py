"""What Django expects of a request target, compared with what the edge does with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from oracle.cases import Case
from oracle.edges import Answer, Edge
from oracle.resolver import Resolution, path_of, resolve_with_django
from oracle.targets import is_unreadable, refusal

from django_tandem.model import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """
    A target, its resolution by Django, and whether only the handover may get it there.

    ``resolution`` is None when no view answers.
    """

    target: bytes
    resolution: Resolution | None
    is_left_to_handover: bool

    @property
    def stack(self) -> Stack:
        """The stack that should answer: WSGI where no view does."""
        return self.resolution.stack if self.resolution else Stack.WSGI

    @property
    def may_be_handed_over(self) -> bool:
        """Whether it may come to WSGI and belong to ASGI."""
        return self.is_left_to_handover and self.stack is Stack.ASGI

    @property
    def answer(self) -> str | None:
        """What the view says, on its own stack."""
        return f"{self.resolution.number} {self.resolution.stack}" if self.resolution else None


def expectations(case: Case, targets: Sequence[bytes]) -> Iterator[Expectation]:
    """Resolve each target that reaches a stack."""
    for target in targets:
        if refusal(target) is None:
            resolution = resolve_with_django(case.urlconf, target)
            is_inexact = resolution is not None and case.is_inexact(resolution, path_of(target))
            yield Expectation(
                target=target,
                resolution=resolution,
                is_left_to_handover=is_unreadable(target) or is_inexact,
            )


def refused_wrongly(edge: Edge, targets: Sequence[bytes]) -> list[tuple[bytes, int]]:
    """Return the targets that the edge should reject without a stack and does not."""
    refused = [target for target in targets if refusal(target)]
    answer = zip(refused, edge.refuses(refused), strict=True)
    return [(target, got.status) for target, got in answer if got.status != refusal(target)]


def sent_wrongly(edge: Edge, expected: Sequence[Expectation]) -> list[tuple[bytes, str, str]]:
    """
    Return the targets that the edge sends to another stack than Django expects.

    Behind it are stacks that answer with their name. Where the handover sorts out, WSGI is right.
    """
    wrong = []
    for expectation, got in _answered(edge, expected, {}):
        allowed = (
            {expectation.stack, Stack.WSGI}
            if expectation.is_left_to_handover
            else {expectation.stack}
        )
        if got.status != 200 or got.text not in allowed:
            wrong.append((expectation.target, str(expectation.stack), f"{got.status} {got.text}"))
    return wrong


def answered_wrongly(
    edge: Edge, expected: Sequence[Expectation], **headers: str
) -> list[tuple[bytes, str | None, str]]:
    """Return the targets that another view or stack answers, of real stacks."""
    wrong = []
    for expectation, got in _answered(edge, expected, headers):
        answer = got.text if got.status == 200 else None
        if answer != expectation.answer or got.status >= 500:
            wrong.append((expectation.target, expectation.answer, f"{got.status} {got.text[:80]}"))
    return wrong


def _answered(
    edge: Edge, expected: Sequence[Expectation], headers: dict[str, str]
) -> Iterator[tuple[Expectation, Answer]]:
    answers = edge.ask([expectation.target for expectation in expected], **headers)
    return zip(expected, answers, strict=True)
