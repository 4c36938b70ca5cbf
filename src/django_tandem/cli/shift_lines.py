"""What `tandem shift` prints of shifts."""

from dataclasses import asdict

from django_tandem.cli import console
from django_tandem.model.shifts import Shift, ShiftState, SideFigures


def started(shift: Shift) -> str:
    """Return the sentence on a shift that has begun."""
    steps = ", ".join(map(str, shift.steps))
    further = f"; the steps are {steps}, each for {shift.every_s:.0f} s" if shift.steps[1:] else ""
    return (
        f"{shift.route}: {shift.to.upper()} serves {shift.percent} % of its clients, "
        f"{' and '.join(shift.methods)}{further}."
    )


def as_json(shift: Shift) -> dict[str, object]:
    """Return it with the names of its fields as keys, and its percent."""
    return {**asdict(shift), "percent": shift.percent}


def share(shift: Shift) -> str:
    """Return the share of its clients in words."""
    return f"{shift.percent} % of its clients"


def lines(shift: Shift) -> list[str]:
    """Return the lines of the status: how far it is, its sides, and what to do."""
    head = f"{shift.route} to {shift.to.upper()}: {shift.state}, {share(shift)}"
    number = f", step {shift.step + 1} of {len(shift.steps)}" if shift.percent else ""
    return [
        f"{head}{number}. {shift.reason}".rstrip(),
        *([f"  {shift.step_note}"] if shift.step_note else []),
        _side(shift.to, shift.on_trial),
        _side(shift.home, shift.at_home),
        *([f"  Requests that show it: {', '.join(shift.requests)}"] if shift.requests else []),
        *([_next(shift)] if shift.state is ShiftState.DONE else []),
    ]


def _side(name: str, figures: SideFigures) -> str:
    times = [
        f"{label} {value * 1000:.0f} ms"
        for label, value in (("p50", figures.p50_s), ("p95", figures.p95_s))
        if value is not None
    ]
    size = [f"{figures.p50_bytes} bytes"] if figures.p50_bytes is not None else []
    counts = [f"{console.counted(figures.requests, 'request')}", f"{figures.failed} failed"]
    return f"  {name.upper()}: {', '.join([*counts, *times, *size])}"


def _next(shift: Shift) -> str:
    return (
        f'  Pin it in TANDEM["ROUTES"], or mark its view @on_{shift.to}, and reload: '
        f"`tandem shift '{shift.route}' --write` writes the pin."
    )
