"""The services of compose.yaml: one a role and a peer, and the servers that they need."""

import os.path
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import quote

from django_tandem.model import Packaging, Peer, Plan, Role, Stack
from django_tandem.render.compose.image import in_image, manage
from django_tandem.render.containers import RUN_DIR, TEMP_DIR, TEMP_VOLUME

# What the container runtime may take in addition to STOP_S.
STOP_MARGIN_S = 2
MIGRATE = "migrate"
TEMP = "temp"
TEMPORARY = f"{TEMP}:{TEMP_VOLUME}"
HEALTHY, DONE = "service_healthy", "service_completed_successfully"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeService:
    """
    A service that runs the project's image.

    ``needs`` are the services that it waits for, each with the condition. A service that
    ``is_once`` ends when its work is done, and has no health check.
    """

    name: str
    command: tuple[str, ...]
    needs: tuple[tuple[str, str], ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    stop_s: int = 0
    is_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """The service of the database ``default``."""

    name: str
    database: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Valkey:
    """The service of the channel layer, the cache and the broker; with a broker it ``is_kept``."""

    name: str
    is_kept: bool


def postgres(plan: Plan) -> Postgres | None:
    """Return the service, None where the database is of another kind or runs on another host."""
    found = next((each for each in plan.project.databases if each.alias == "default"), None)
    if found is None or found.vendor != "postgresql" or not _is_service(found.host):
        return None
    name = found.host if _is_name(found.host) else "postgres"
    return Postgres(name=name, database=found.name or "site", user=found.user or "site")


def valkey(plan: Plan) -> Valkey | None:
    """Return the service, None where no setting names a Redis that could be one."""
    hosts = [host for host in plan.project.redis_hosts if _is_service(host)]
    if not hosts and not plan.project.needs_redis:
        return None
    name = next(filter(_is_name, hosts), "valkey")
    return Valkey(name=name, is_kept=bool(plan.project.background_workers))


def _is_service(host: str) -> bool:
    """Return whether a server with this host may be a service, and not one that runs elsewhere."""
    return host in ("", "::1") or host.startswith("127.") or not set(".:") & set(host)


def _is_name(host: str) -> bool:
    return host not in ("", "localhost", "::1") and not host.startswith("127.")


def server_urls(plan: Plan) -> list[tuple[str, str]]:
    """Return the URLs of the servers, for settings that read them."""
    names = {each.name for each in plan.project.variables}
    database, redis = postgres(plan), valkey(plan)
    found = []
    if database and "DATABASE_URL" in names:
        user, path = (_in_url(each) for each in (database.user, database.database))
        password = "${POSTGRES_PASSWORD:?Set it in .env.}"  # noqa: S105 - compose has it
        url = f"postgres://{user}:{password}@{database.name}:5432/{path}"
        found.append(("DATABASE_URL", url))
    if redis and "REDIS_URL" in names:
        found.append(("REDIS_URL", f"redis://{redis.name}:6379/0"))
    return found


def _in_url(text: str) -> str:
    return quote(text, safe="")


def services(plan: Plan, packaging: Packaging, port: int) -> tuple[ComposeService, ...]:
    """Return the services of the roles, in the order in which a request meets them."""
    uploads = _uploads(plan, packaging)
    peer_files = _peer_files(plan, packaging)
    before = _before(plan)
    stacks = [(peer, role) for role, stack in _STACKS.items() for peer in _peers(plan, stack)]
    grace_s = plan.stop_s + STOP_MARGIN_S
    return (
        ComposeService(
            name=Role.EDGE.value,
            command=(*_up(Role.EDGE), "--temp-dir", TEMP_DIR, "--bind", f":{port}"),
            ports=tuple(f"{each}:{each}" for each in _ports(plan, port)),
            volumes=_edge_volumes(plan, packaging),
            # NGINX closes its ports and finishes its requests.
            stop_signal="SIGQUIT",
            stop_s=grace_s,
            needs=tuple((peer.host, HEALTHY) for peer, _ in stacks),
        ),
        *(
            ComposeService(
                name=peer.host,
                command=_up(role),
                needs=before,
                volumes=(*([uploads] if uploads else []), *peer_files),
                stop_s=grace_s,
            )
            for peer, role in stacks
        ),
        *_workers(plan, before, (uploads,) if uploads else ()),
        *_migrate(plan),
    )


_STACKS = {Role.WSGI: Stack.WSGI, Role.ASGI: Stack.ASGI}


def _peers(plan: Plan, stack: Stack) -> tuple[Peer, ...]:
    return plan.peers.of(stack) if stack in plan.edge.stacks else ()


def _up(role: Role) -> tuple[str, ...]:
    return ("tandem", "up", "--role", role.value, "--run-dir", RUN_DIR)


def _ports(plan: Plan, port: int) -> Iterable[int]:
    return dict.fromkeys((port, *(bind.port for bind in plan.edge.redirects)))


def _uploads(plan: Plan, packaging: Packaging) -> str:
    media = plan.project.media
    return f"media:{in_image(media.directory, packaging)}" if media else ""


def _edge_volumes(plan: Plan, packaging: Packaging) -> tuple[str, ...]:
    uploads, tls = _uploads(plan, packaging), plan.edge.tls
    media = [f"{uploads}:ro"] if uploads and plan.edge.media else []
    own = [_mounted(file, plan, packaging) for file in (tls.certificate, tls.key)] if tls else []
    # One file may be of both certificates, and compose rejects a second mount of it.
    return tuple(dict.fromkeys((TEMPORARY, *media, *own, *_peer_files(plan, packaging))))


def _peer_files(plan: Plan, packaging: Packaging) -> tuple[str, ...]:
    tls = plan.peers.tls
    files = (tls.certificate, tls.key, tls.ca) if tls else ()
    return tuple(_mounted(file, plan, packaging) for file in files)


def _mounted(file: str, plan: Plan, packaging: Packaging) -> str:
    """Return the mount of a file of the host where the settings name it in a container."""
    # A relative path in the settings is relative to the project.
    path = os.path.normpath(PurePath(plan.project.directory, file))
    is_inside = PurePath(path).is_relative_to(packaging.root)
    # Without the dot, compose would read it as the name of a volume.
    source = f"./{PurePath(path).relative_to(packaging.root)}" if is_inside else path
    return f"{source}:{in_image(path, packaging)}:ro"


def _before(plan: Plan) -> tuple[tuple[str, str], ...]:
    found = [(each.name, HEALTHY) for each in (postgres(plan), valkey(plan)) if each]
    return (*([(MIGRATE, DONE)] if plan.project.databases else []), *found)


def _workers(
    plan: Plan, before: tuple[tuple[str, str], ...], volumes: tuple[str, ...]
) -> Iterable[ComposeService]:
    programs = [each for each in plan.processes if each.exclusive or each.name == "channels"]
    has_channels = any(kind.name == "channels" for each in plan.processes for kind in each.kinds)
    if not programs and not has_channels:
        return
    longest_s = max((plan.stop_s, *(each.stop_s for each in programs)))
    yield ComposeService(
        name=Role.WORKERS.value,
        command=_up(Role.WORKERS),
        needs=before,
        volumes=volumes,
        stop_s=longest_s + STOP_MARGIN_S,
    )


def _migrate(plan: Plan) -> Iterable[ComposeService]:
    if plan.project.databases:
        database = postgres(plan)
        yield ComposeService(
            name=MIGRATE,
            command=("python", *manage(plan.project), "migrate", "--noinput"),
            needs=((database.name, HEALTHY),) if database else (),
            is_once=True,
        )
