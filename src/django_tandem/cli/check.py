"""Check the project as `tandem up` would start it, and start nothing."""

import argparse

from django.conf import settings as django_settings
from django.core.checks import INFO, CheckMessage, Error, Info

from django_tandem import checks
from django_tandem.cli import console, up
from django_tandem.cli.planning import find_notes, find_problems, plan_project
from django_tandem.cli.user import require_own
from django_tandem.errors import MachineError, SettingError, TandemError
from django_tandem.plan.background_workers import needs

LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options: those of `up` that change the plan."""
    up.add_plan_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Print what the checks found; 1 when it keeps `tandem up` from starting."""
    found = _found(options)
    shown = [message for message in found if not message.is_silenced()]
    if options.json:
        console.print_json([as_json(message) for message in shown])
    else:
        for message in shown:
            console.line_out(str(message))
        failures = sum(map(checks.is_failure, shown))
        notes = sum(message.level == INFO for message in shown)
        warnings = console.counted(len(shown) - failures - notes, "warning")
        silenced = len(found) - len(shown)
        console.line_err(f"{console.counted(failures, 'error')}, {warnings}, {silenced} silenced.")
    return 1 if any(map(checks.is_failure, found)) else 0


def _found(options: argparse.Namespace) -> list[CheckMessage]:
    # An error here is not reported: only the settings, read below, know which are silenced.
    overrides = up.overrides_of(options)
    try:
        planned = plan_project(options, overrides=overrides)
    except SettingError as error:
        if not django_settings.configured:
            # One of an environment file, without which the settings are not imported.
            raise
        return [_as_error(error, "tandem.E001")]
    refused = []
    try:
        require_own(planned.loaded.settings, is_override=options.user is not None)
    except MachineError as error:
        refused.append(_as_error(error, "tandem.E012"))
    return [
        *refused,
        *find_problems(planned, on_this_machine=True),
        *(Info(note, obj="TANDEM", id="tandem.I001") for note in find_notes(planned)),
        # Not before each start: many projects run these on another machine.
        *(
            Info(needs(each), obj="TANDEM", id="tandem.I002")
            for each in planned.plan.missing_workers
        ),
    ]


def _as_error(error: TandemError, check_id: str) -> CheckMessage:
    return Error(error.message, hint=error.hint or None, obj="TANDEM", id=check_id)


def as_json(message: CheckMessage) -> dict[str, object]:
    """Return what `--json` prints of one finding."""
    return {
        "id": message.id,
        "level": LEVELS.get(message.level, str(message.level)),
        "object": str(message.obj),
        "message": message.msg,
        "hint": message.hint,
    }
