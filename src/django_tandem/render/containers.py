"""The refusals of what a project keeps for itself where each role has a separate container."""

from django_tandem.errors import SettingError
from django_tandem.model import Plan

# Every user of a container can create the run directory there.
RUN_DIR = "/run/tandem"
# Large bodies need a disk: the run directory is in memory. Every user may write to this one, also
# in a volume, which has the mode that the directory has in the image.
TEMP_VOLUME = "/var/tmp"  # noqa: S108 - each container mounts its own
TEMP_DIR = f"{TEMP_VOLUME}/tandem"
DISTINCT = (
    'Name another one for each stack, such as "PEERS": {"WSGI": ["wsgi:9000"], '
    '"ASGI": ["asgi:9001"]}.'
)
PRODUCTION = "Render it with the settings and the variables of production."


def require_shared(plan: Plan) -> None:
    """Raise SettingError for DEBUG, and for a database or a channel layer that no other has."""
    if plan.project.debug:
        raise SettingError("DEBUG is True, and an image is for production.", hint=PRODUCTION)
    for database in plan.project.databases:
        if database.vendor == "sqlite":
            raise SettingError(
                f'DATABASES["{database.alias}"] is SQLite, a file that containers do not share.',
                hint=f"{PRODUCTION} PostgreSQL serves every role.",
            )
    if plan.project.has_local_layer:
        raise SettingError(
            "CHANNEL_LAYERS has an InMemoryChannelLayer, which containers do not share.",
            hint=f"{PRODUCTION} channels_redis serves every role.",
        )
