"""Render a unit for systemd: the stack as a service that reports when it is ready."""

import math
from pathlib import PurePath

from django_tandem import environment
from django_tandem.errors import SettingError
from django_tandem.model import File, Plan
from django_tandem.model.roles import EVERY_ROLE, listed_roles
from django_tandem.model.stop import command_s
from django_tandem.render.target import Target, fill

# `tandem up` gives the stack two minutes; before that, the project is imported once.
START_S = 180
WATCHDOG_S = 60
# Below it, only root and CAP_NET_BIND_SERVICE may listen.
FIRST_OPEN_PORT = 1024
# Where systemd itself makes the directories of a unit, and by which option.
RUNTIME, STATE = PurePath("/run"), PurePath("/var/lib")
# PrivateTmp= would hide the sockets in them from `tandem status`.
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - only compared


def render(plan: Plan) -> tuple[File, ...]:
    """Return the unit; raises SettingError where it would run as root and no setting says so."""
    if not plan.user:
        raise SettingError(
            'TANDEM["USER"] is not set, and a unit that root renders would run as root.',
            hint='Name who is to run the stack, such as "USER": "www-data".',
        )
    name = _name(plan)
    user, _, group = plan.user.partition(":")
    runtime, state = (_directory_of_unit(plan, base) for base in (RUNTIME, STATE))
    writable = _written(plan, has_own=not (runtime or state))
    content = fill(
        "systemd/unit.service.j2",
        name=name,
        description=f"{name}, served by django-tandem",
        user=user,
        group=group,
        directory=_by_link(plan, plan.project.directory),
        environment=_environment(plan),
        runtime_directory=runtime,
        state_directory=state,
        made=writable,
        start=[*_command(plan, "up"), *_roles(plan)],
        reload=_command(plan, "reload") if plan.is_supervised else (),
        stop=_command(plan, "down") if _has_delay_of_edge(plan) else (),
        type="notify" if plan.is_supervised else "exec",
        stop_signal="TERM" if plan.is_supervised else plan.processes[0].stop_signal,
        watchdog_s=WATCHDOG_S,
        start_s=START_S,
        stop_s=math.ceil(command_s(plan.stop_s)),
        open_files=max(plan.open_files, plan.edge.open_files) if plan.has_edge else plan.open_files,
        writable=[f"-{path}" for path in writable],
        uses_tmp=any(_is_below(path, TEMPORARY) for path in (plan.run_dir, *writable)),
        needs_low_port=_needs_low_port(plan),
        first_open_port=FIRST_OPEN_PORT,
    )
    return (File(name=f"{name}.service", content=content),)


def _name(plan: Plan) -> str:
    roles = () if plan.roles == EVERY_ROLE else listed_roles(plan.roles).split(",")
    return "-".join((plan.project.name, *roles))


def _roles(plan: Plan) -> list[str]:
    return [] if plan.roles == EVERY_ROLE else ["--role", listed_roles(plan.roles)]


def _has_delay_of_edge(plan: Plan) -> bool:
    # NGINX itself has none: the command fails the probes first, and waits.
    return not plan.is_supervised and plan.has_edge and plan.stop_delay_s > 0


def _command(plan: Plan, subcommand: str) -> list[str]:
    # Not bin/tandem, whose first line names the interpreter of one release.
    command = [_by_link(plan, plan.python), "-P", "-m", "django_tandem", subcommand]
    run_dir = plan.overrides.run_dir
    return [*command, "--run-dir", run_dir] if run_dir else command


def _environment(plan: Plan) -> list[str]:
    given = {
        environment.SETTINGS_MODULE: plan.project.settings_module,
        environment.ENV_FILE: plan.overrides.env_file,
        environment.STOP_S: plan.overrides.stop_s,
    }
    return [f"{name}={value}" for name, value in given.items() if value]


def _written(plan: Plan, *, has_own: bool) -> list[str]:
    """Return the directories that stay writable, each once."""
    found = {_shared_by_releases(plan, path) for path in plan.project.written_directories}
    if has_own:
        found.add(plan.run_dir)
    if plan.has_edge and plan.edge.temp_dir:
        found.add(plan.edge.temp_dir)
    return sorted(path for path in found if not _is_below(path, found - {path}))


def _shared_by_releases(plan: Plan, path: str) -> str:
    # A running unit keeps the mounts of its start: the next release lies next to this one.
    release = plan.project.release
    if release is None or not _is_below(path, (release.directory,)):
        return path
    return str(PurePath(release.directory).parent)


def _directory_of_unit(plan: Plan, base: PurePath) -> str:
    """Return the run directory relative to ``base``, empty if it is elsewhere."""
    run_dir = PurePath(plan.run_dir)
    return str(run_dir.relative_to(base)) if run_dir.is_relative_to(base) else ""


def _by_link(plan: Plan, path: str) -> str:
    return plan.project.release.by_link(path) if plan.project.release else path


def _needs_low_port(plan: Plan) -> bool:
    every = (*plan.addresses, *plan.health_binds, *plan.metrics_binds)
    return any(bind.port < FIRST_OPEN_PORT for bind in every)


def _is_below(path: str, directories: "set[str] | tuple[str, ...]") -> bool:
    return any(PurePath(path).is_relative_to(each) for each in directories)


TARGET = Target(
    name="systemd",
    summary="a unit for systemd, by the name of the project and its roles",
    render=render,
)
