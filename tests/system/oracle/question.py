"""One question, asked of Django and of the edge: which stack answers this request target?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from oracle.cases import Case
from oracle.edges import Answer, Edge
from oracle.resolver import Word, ask_django, path_of
from oracle.targets import is_unreadable, refusal

from django_tandem.model import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    A target, Django's word on it, and whether the hand-over may have to put the edge's right.

    ``word`` is None when no view answers.
    """

    target: bytes
    word: Word | None
    is_left_to_handover: bool

    @property
    def stack(self) -> Stack:
        """The stack that is to be asked: what no view answers is left to WSGI."""
        return self.word.stack if self.word else Stack.WSGI

    @property
    def may_be_handed_over(self) -> bool:
        """Whether it may come to WSGI and belong to ASGI."""
        return self.is_left_to_handover and self.stack is Stack.ASGI

    @property
    def answer(self) -> str | None:
        """What the view says, on its own stack."""
        return f"{self.word.number} {self.word.stack}" if self.word else None


def questions(case: Case, targets: Sequence[bytes]) -> Iterator[Question]:
    """Ask Django about each target that reaches a stack."""
    for target in targets:
        if refusal(target) is None:
            word = ask_django(case.urlconf, target)
            is_inexact = word is not None and case.is_inexact(word, path_of(target))
            yield Question(
                target=target,
                word=word,
                is_left_to_handover=is_unreadable(target) or is_inexact,
            )


def refused_wrongly(edge: Edge, targets: Sequence[bytes]) -> list[tuple[bytes, int]]:
    """Ask the edge what it is to refuse by itself; return what it answers otherwise."""
    refused = [target for target in targets if refusal(target)]
    said = zip(refused, edge.ask(refused), strict=True)
    return [(target, got.status) for target, got in said if got.status != refusal(target)]


def sent_wrongly(edge: Edge, asked: Sequence[Question]) -> list[tuple[bytes, str, str]]:
    """
    Ask the edge, before stacks that say their own name; return where it disagrees with Django.

    What the hand-over is to put right may go to WSGI, which is never wrong, but to no other.
    """
    wrong = []
    for question, got in _answered(edge, asked, {}):
        allowed = {question.stack, Stack.WSGI} if question.is_left_to_handover else {question.stack}
        if got.status != 200 or got.text not in allowed:
            wrong.append((question.target, str(question.stack), f"{got.status} {got.text}"))
    return wrong


def answered_wrongly(
    edge: Edge, asked: Sequence[Question], **headers: str
) -> list[tuple[bytes, str | None, str]]:
    """Ask the edge, before real stacks; return where another view or stack answers."""
    wrong = []
    for question, got in _answered(edge, asked, headers):
        said = got.text if got.status == 200 else None
        if said != question.answer or got.status >= 500:
            wrong.append((question.target, question.answer, f"{got.status} {got.text[:80]}"))
    return wrong


def _answered(
    edge: Edge, asked: Sequence[Question], headers: dict[str, str]
) -> Iterator[tuple[Question, Answer]]:
    answers = edge.ask([question.target for question in asked], **headers)
    return zip(asked, answers, strict=True)
