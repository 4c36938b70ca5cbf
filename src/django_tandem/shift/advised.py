"""The advice → the one shift that may begin without a command."""

from collections.abc import Iterable, Sequence

from django_tandem.advisor.verdicts import MOVES, Advice, Confidence
from django_tandem.model import Stack
from django_tandem.model.shifts import Shift, ShiftState

# A route that was rolled back, or aborted, is tried again after so long, and a reload:
# the generation is another one, and its code may be.
RETRY_S = 24 * 3600.0


def choose(
    advice: Iterable[Advice],
    routes: Sequence[str],
    shifts: Sequence[Shift],
    *,
    generation: int,
    now: float,
) -> tuple[str, Stack] | None:
    """
    Return the route to shift and its new stack; None where nothing is to be shifted.

    ``routes`` are the patterns that the settings allow. The advice must be sure, and a move to
    ASGI need no change of the code. One shift at a time: two could hide each other's effects.
    """
    if any(each.is_watched for each in shifts):
        return None
    for each in advice:
        route, to = each.evidence.route, MOVES.get(each.verdict)
        # On WSGI, a call that blocks may stay.
        needs_change = to is Stack.ASGI and bool(each.changes)
        is_sure = each.confidence is Confidence.HIGH and not needs_change
        if to is None or route not in routes or not is_sure:
            continue
        if not any(_rules_out(shift, route, generation, now) for shift in shifts):
            return route, to
    return None


def _rules_out(shift: Shift, route: str, generation: int, now: float) -> bool:
    if shift.route != route:
        return False
    # One that is done waits for its pin.
    is_recent = now - shift.ended_s < RETRY_S or shift.generation == generation
    return shift.state is ShiftState.DONE or is_recent
