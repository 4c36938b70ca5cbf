"""Render an image of the project and the services that run its roles: Dockerfile, compose.yaml."""

from django_tandem.errors import SettingError
from django_tandem.model import File, Packaging, Plan, Role, Stack
from django_tandem.model.peers import STACK_PORTS
from django_tandem.render.compose.image import dockerfile, ignored
from django_tandem.render.compose.services import (
    MIGRATE,
    TEMP,
    postgres,
    server_urls,
    services,
    valkey,
)
from django_tandem.render.containers import DISTINCT, require_shared
from django_tandem.render.target import Target, fill

DOCKERFILE, DOCKERIGNORE = "Dockerfile", ".dockerignore"
COMPOSE, EXAMPLE = "compose.yaml", ".env.example"

# Of these a value is set for each service, or read by compose itself.
OWN_VARIABLES = frozenset({"TANDEM_SECRET", "POSTGRES_PASSWORD", "IMAGE"})


def render(plan: Plan) -> tuple[File, ...]:
    """Return the files; raises SettingError for a project that containers can't share."""
    packaging = _packaging(plan)
    require_shared(plan)
    for stack in plan.edge.stacks:
        _require_peers(plan, stack)
    _require_distinct(plan)
    port = plan.edge.binds[0].port
    return (
        File(name=DOCKERFILE, content=dockerfile(plan, packaging, port)),
        File(
            name=DOCKERIGNORE,
            content=fill("compose/dockerignore.j2", ignored=ignored(plan.project, packaging)),
        ),
        File(name=COMPOSE, content=_compose(plan, packaging, port)),
        File(name=EXAMPLE, content=_example(plan)),
    )


def _packaging(plan: Plan) -> Packaging:
    found = plan.project.packaging
    if found is None:
        raise SettingError(
            f"{plan.project.directory} has no requirements.txt, pyproject.toml or lock file, by "
            "which an image could install the project's packages.",
            hint="Write one, for example with `pip freeze > requirements.txt`.",
        )
    return found


def _require_peers(plan: Plan, stack: Stack) -> None:
    option = f'TANDEM["PEERS"]["{stack.name}"]'
    example = f'"{stack.name}": ["{stack.value}:{STACK_PORTS[stack]}"]'
    peers = plan.peers.of(stack)
    if not peers:
        raise SettingError(
            f"{option} is empty, and compose.yaml has no {stack.name} stack for its edge.",
            hint=f'Set "PEERS": {{{example}}}. A stack on one host does not use it.',
        )
    for peer in peers:
        if not peer.is_name or "." in peer.host:
            raise SettingError(
                f'{option} has "{peer}", which can\'t be the name of a service in compose.yaml.',
                hint=f"Name a service, such as {example}.",
            )


def _require_distinct(plan: Plan) -> None:
    """Raise SettingError for a peer with the name of another service."""
    database, redis = postgres(plan), valkey(plan)
    owners: dict[str, str] = {Role.EDGE: "the edge", Role.WORKERS: "the workers"}
    owners[MIGRATE] = "the migrations"
    owners |= {database.name: "the database"} if database else {}
    owners |= {redis.name: "Redis"} if redis else {}
    for stack in plan.edge.stacks:
        option = f'TANDEM["PEERS"]["{stack.name}"]'
        for peer in plan.peers.of(stack):
            if peer.host in owners:
                owner = owners[peer.host]
                raise SettingError(
                    f'{option} has "{peer}", and "{peer.host}" is the service of {owner}.',
                    hint=DISTINCT,
                )
            owners[peer.host] = f'"{peer}" in {option}'


def _compose(plan: Plan, packaging: Packaging, port: int) -> str:
    found = services(plan, packaging, port)
    database, redis = postgres(plan), valkey(plan)
    kept = {
        TEMP: True,
        "media": plan.project.media is not None,
        "postgres": database is not None,
        "valkey": redis is not None and redis.is_kept,
    }
    return fill(
        "compose/compose.yaml.j2",
        name=plan.project.name,
        environment=server_urls(plan),
        services=found,
        postgres=database,
        valkey=redis,
        volumes=[name for name, is_kept in kept.items() if is_kept],
    )


def _example(plan: Plan) -> str:
    given = {name for name, _ in server_urls(plan)} | OWN_VARIABLES
    named = [each for each in plan.project.variables if each.name not in given]
    return fill(
        "compose/env.example.j2",
        name=plan.project.name,
        has_postgres=postgres(plan) is not None,
        required=[each.name for each in named if each.is_required],
        optional=[each.name for each in named if not each.is_required],
    )


TARGET = Target(
    name="compose",
    summary=f"an image and a service a role: {DOCKERFILE}, {DOCKERIGNORE}, {COMPOSE} and {EXAMPLE}",
    render=render,
    is_in_project=True,
    has_every_role=True,
)
