"""Make the plan that every target renders from the project, the settings and the machine."""

import ipaddress
import re
from collections.abc import Iterable

from django_tandem import servers
from django_tandem.errors import SettingError
from django_tandem.model import (
    Bind,
    Edge,
    Host,
    Overrides,
    Pin,
    Plan,
    Project,
    Route,
    Stack,
    Tls,
    Verdict,
)
from django_tandem.plan.capacity import OPEN_FILES
from django_tandem.plan.notes import notes
from django_tandem.plan.processes import GRACE_S, PlanContext, processes
from django_tandem.routing.policy import decide
from django_tandem.routing.table import edge_rules
from django_tandem.settings import Settings, TlsSettings

__all__ = ["make_plan"]


def make_plan(
    project: Project,
    settings: Settings,
    host: Host,
    verdicts: tuple[Verdict, ...],
    *,
    run_dir: str,
    generation: int = 1,
    overrides: Overrides | None = None,
) -> Plan:
    """
    Return the plan for ``project`` on ``host``; ``run_dir`` is absolute.

    Raises SettingError for a setting that the chosen server does not support.
    """
    # Also of a stack that is not served yet, so that a wrong name is found at once.
    servers.find(Stack.WSGI, settings.wsgi.server)
    servers.find(Stack.ASGI, settings.asgi.server)
    stacks = _served_stacks(project, verdicts, settings)
    context = PlanContext(
        project=project,
        settings=settings,
        host=host,
        run_dir=run_dir,
        generation=generation,
        has_both=len(stacks) > 1,
        is_debugged=overrides is not None and overrides.debug,
    )
    return Plan(
        project=project,
        python=host.python,
        run_dir=run_dir,
        generation=generation,
        drain_s=settings.drain_s,
        verdicts=verdicts,
        edge=_edge(context, verdicts, stacks),
        processes=processes(context, stacks),
        overrides=overrides or Overrides(),
        notes=notes(context, verdicts, stacks),
    )


def _served_stacks(
    project: Project, verdicts: tuple[Verdict, ...], settings: Settings
) -> tuple[Stack, ...]:
    """Return the stacks to start: ASGI only when a route, a pin or a setting needs it."""
    needs_asgi = (
        settings.asgi.always
        or bool(project.asgi_dispatcher)
        or any(verdict.stack is Stack.ASGI for verdict in verdicts)
        or any(pin.stack is Stack.ASGI for pin in settings.routes)
        # Only the handover reaches the views of a URLconf that a middleware chooses.
        or (settings.handover and _any_on_asgi(project.other_routes, settings.routes))
    )
    return (Stack.WSGI, Stack.ASGI) if needs_asgi else (Stack.WSGI,)


def _any_on_asgi(routes: tuple[Route, ...], pins: tuple[Pin, ...]) -> bool:
    return any(decide(route, pins).stack is Stack.ASGI for route in routes)


def _edge(context: PlanContext, verdicts: tuple[Verdict, ...], stacks: tuple[Stack, ...]) -> Edge:
    project, settings, host = context.project, context.settings, context.host
    return Edge(
        nginx=host.nginx,
        binds=binds(settings.bind, has_ipv6=host.has_ipv6),
        rules=edge_rules(verdicts, settings.routes),
        stacks=stacks,
        stripped_prefixes=_stripped_prefixes(settings.routes),
        max_body=settings.edge.max_body,
        read_timeout_s=settings.wsgi.timeout_s,
        drain_s=settings.drain_s,
        worker_shutdown_timeout_s=max(settings.drain_s, settings.wsgi.timeout_s) + 2 * GRACE_S,
        server_names=settings.edge.server_names,
        tls=_tls(settings.edge.tls),
        open_files=min(OPEN_FILES, host.open_files),
        trusted_proxies=settings.edge.trusted_proxies,
        static=project.static,
        media=project.media if settings.edge.media else None,
        error_pages=settings.edge.error_pages,
        include=settings.edge.include,
        worker_user=host.user if host.is_root else None,
        handover=settings.handover and context.has_both,
        script_name=project.script_name.rstrip("/"),
    )


def _tls(settings: TlsSettings | None) -> Tls | None:
    return Tls(certificate=settings.certificate, key=settings.key) if settings else None


def _stripped_prefixes(pins: tuple[Pin, ...]) -> tuple[str, ...]:
    return tuple(pin.target for pin in pins if pin.strip)


# An address of TANDEM["BIND"].
_ADDRESS = re.compile(r"(?:(?P<host>\[[^\]]*\]|[^:\[\]]*):)?(?P<port>[0-9]{1,5})")


def binds(addresses: Iterable[str], *, has_ipv6: bool) -> tuple[Bind, ...]:
    """
    Read addresses such as ``127.0.0.1:8000``, ``[::1]:80``, ``localhost:80`` and ``:80``.

    ``localhost`` and a port alone mean IPv4 and, where the machine has it, IPv6.
    Raises SettingError for any other text.
    """
    return tuple(
        dict.fromkeys(bind for text in addresses for bind in _expand(text, has_ipv6=has_ipv6))
    )


def _expand(text: str, *, has_ipv6: bool) -> list[Bind]:
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise _not_an_address(text)
    host, port = (found["host"] or "").strip("[]"), int(found["port"])
    pair = {"": ("0.0.0.0", "::"), "localhost": ("127.0.0.1", "::1")}.get(host)  # noqa: S104
    if pair is not None:
        return [Bind(host=each, port=port) for each in pair if has_ipv6 or ":" not in each]
    return [Bind(host=_ip(host, text), port=port)]


def _ip(host: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        raise _not_an_address(text) from None


def _not_an_address(text: str) -> SettingError:
    return SettingError(
        f'"{text}" is not an address to bind.',
        hint='Give an IP address and a port, such as "127.0.0.1:8000", "[::1]:8000" or ":8000".',
    )
