"""The environment variables that pass the plan to the processes."""

from pathlib import Path
from urllib.parse import urlencode

from django_tandem import environment
from django_tandem.handler.pools import auto_threads
from django_tandem.inprocess import prometheus_files
from django_tandem.model import DrainMode, LogFormat, programs
from django_tandem.model.connections import MailboxLimits
from django_tandem.model.stop import DEFAULT_STOP_S, exit_s
from django_tandem.plan.context import PlanContext
from django_tandem.settings import Settings

# What breakpoint() calls below `tandem up --debug`.
DEBUGGER = "django_tandem.inprocess.debugger.set_trace"


def process_environment(context: PlanContext) -> tuple[tuple[str, str], ...]:
    """Return what every server, Channels worker and program gets, sorted by name."""
    project, settings = context.project, context.settings
    any_inexact = any(route.match.why_inexact for route in project.routes)
    pins = urlencode([(pin.target, pin.stack.value) for pin in settings.routes])
    # Without one that waits, each connection has a moment of the window.
    has_wait = any(rule.mode is DrainMode.WAIT for rule in settings.drain)
    waits = [(rule.prefix, rule.mode.value) for rule in settings.drain if has_wait]
    known = {
        environment.SETTINGS_MODULE: project.settings_module,
        "PYTHONPATH": ":".join(project.python_path),
        # Gunicorn imports the project from there. That of a shell may be a link to the live
        # release, and lead to another one by the time a worker imports a module.
        "PWD": project.directory,
        "PYTHONBREAKPOINT": DEBUGGER if context.is_debugged else None,
        "PYTHONUNBUFFERED": "1",
        environment.ASGI_APPLICATION: project.asgi,
        environment.ENV_FILE: ":".join(project.env_files),
        environment.GENERATION: str(context.generation),
        environment.LOG_FORMAT: log_format(settings),
        environment.MAILBOX: _mailbox(settings),
        environment.MANAGE_PY: project.manage_py,
        environment.MANAGE_PY_SETS: ",".join(project.manage_py_sets),
        environment.EXIT_S: _exit_s(settings),
        environment.MONITOR: "1" if settings.monitor else None,
        environment.SLOW_S: None if settings.slow_s is None else f"{settings.slow_s:g}",
        environment.GATEWAY: environment.DIRECT if context.is_direct else None,
        environment.HANDOVER: "1" if _has_handover(context) else None,
        environment.DRAIN: urlencode(waits),
        environment.PINS: pins,
        environment.RESOLVE_FIRST: "1" if any_inexact and context.has_both else None,
        environment.RUN_DIR: context.run_dir,
        environment.HANDLER: settings.asgi.handler if settings.asgi.handler != "auto" else None,
        environment.THREADS: str(settings.asgi.threads or auto_threads(context.host.cpus)),
        environment.PRELOAD: None if settings.preload is None else str(int(settings.preload)),
        environment.STATIC: "1" if project.static_in_debug else None,
        environment.WSGI_APPLICATION: project.wsgi,
        "REDIS_URL": _own_valkey(context) if project.needs_redis else None,
    }
    return tuple((name, value) for name, value in sorted(known.items()) if value)


def _own_valkey(context: PlanContext) -> str:
    return f"unix://{context.path(programs.VALKEY_SOCKET)}"


def metrics_environment(context: PlanContext) -> tuple[tuple[str, str], ...]:
    """Return where the workers keep the project's own Prometheus metrics, if it has some."""
    # Without the monitor, the files of workers that have ended would stay for ever.
    if not (context.project.uses_prometheus and context.settings.monitor):
        return ()
    directory = prometheus_files.DIRECTORIES.path(Path(context.run_dir), context.generation)
    return ((prometheus_files.VARIABLE, str(directory)),)


def log_format(settings: Settings) -> str | None:
    """Return the format of the logs, where it is not the default."""
    return settings.log_format if settings.log_format is not LogFormat.TEXT else None


def _exit_s(settings: Settings) -> str | None:
    """Return how long a server has to end, where it is not the default."""
    found = exit_s(settings.stop_s, settings.stop_delay_s)
    return None if found == exit_s(DEFAULT_STOP_S) else f"{found:g}"


def _mailbox(settings: Settings) -> str | None:
    """Return the limits of the mailboxes, where they are not the defaults."""
    channels = settings.channels
    limits = MailboxLimits(messages=channels.mailbox, slow_client=channels.slow_client)
    return None if limits == MailboxLimits() else limits.as_text()


def _has_handover(context: PlanContext) -> bool:
    return context.settings.handover and context.has_both and not context.is_direct
