"""
System checks tandem.E### and tandem.W###, for Django's check framework and `tandem up`.

Every process of a project that lists the app imports this package to register the checks, and
few run them: the checks themselves are imported when they run.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core import checks as django_checks
from django.core.checks import CheckMessage

from django_tandem.errors import RefusedError

TAG = "tandem"

_keeps_errors: ContextVar[bool] = ContextVar("keeps_errors", default=False)


def register_all() -> None:
    """Register the checks with Django as one, which reads the project once."""
    django_checks.register(check_project, TAG)


def check_project(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """
    Run the checks on the project as Django has set it up.

    Django runs every check before `migrate`, `runserver` and `test` too, and stops at an error.
    An error here stops `tandem up` alone, so that Django gets it as a warning, unless
    `manage.py check` itself is what runs.
    """
    if app_configs is not None:
        return []
    from django_tandem.checks.findings import judge_project  # noqa: PLC0415

    found = judge_project()
    return found if _keeps_errors.get() else [_as_warning(message) for message in found]


@contextmanager
def keeping_errors() -> Iterator[None]:
    """Let errors be errors in Django's check framework, within the block."""
    token = _keeps_errors.set(True)
    try:
        yield
    finally:
        _keeps_errors.reset(token)


def is_failure(message: CheckMessage) -> bool:
    """Return whether ``message`` keeps `tandem up` from starting."""
    return bool(message.is_serious() and not message.is_silenced())


def refuse_failures(messages: Iterable[CheckMessage]) -> None:
    """Raise RefusedError when one of ``messages`` is an error that is not silenced."""
    ids = dict.fromkeys(str(message.id) for message in messages if is_failure(message))
    if ids:
        raise RefusedError(
            f"Not started. Fix these errors first: {', '.join(ids)}.",
            hint="A check that is wrong about your project can be silenced in "
            "SILENCED_SYSTEM_CHECKS.",
        )


def _as_warning(message: CheckMessage) -> CheckMessage:
    if not message.is_serious():
        return message
    return django_checks.Warning(message.msg, hint=message.hint, obj=message.obj, id=message.id)
