"""Every check, a function each and a line here, and what they find in the project at hand."""

from collections.abc import Callable

from django.core.checks import CheckMessage

from django_tandem.checks import (
    application,
    channels,
    database,
    events,
    files,
    project,
    versions,
)
from django_tandem.checks.facts import Facts
from django_tandem.checks.gather import gather

Check = Callable[[Facts], list[CheckMessage]]

# In the order in which they are told: what the rest is read from comes first.
CHECKS: tuple[Check, ...] = (
    project.setting_is_read,
    project.application_is_imported,
    project.entry_points_agree,
    application.application_is_ours,
    channels.layer_leaves_its_process,
    channels.worker_has_a_layer,
    channels.senders_have_a_layer,
    channels.client_is_patient,
    channels.origin_is_checked,
    events.events_leave_their_process,
    versions.daphne_is_safe,
    versions.asgiref_does_not_deadlock,
    versions.gunicorn_does_not_leak,
    versions.uvicorn_speaks_websocket,
    database.async_views_have_no_transaction,
    database.connections_are_not_leaked,
    files.static_root_is_set,
    files.static_files_are_collected,
    files.media_has_no_guard,
)


def findings(facts: Facts) -> list[CheckMessage]:
    """Return what the checks have to say of ``facts``."""
    return [message for check in CHECKS for message in check(facts)]


def read_findings(*, before_up: bool) -> list[CheckMessage]:
    """Read the project that is set up, once, and return what the checks have to say of it."""
    return findings(gather(before_up=before_up))
