"""The edge of a plan: where it listens, what it routes, and how many workers it has."""

import math
import os.path
from pathlib import PurePath

from django_tandem.errors import SettingError
from django_tandem.model import Bind, Edge, Include, Pin, Stack, Tls, Verdict
from django_tandem.plan.addresses import binds
from django_tandem.plan.capacity import OPEN_FILES
from django_tandem.plan.context import PlanContext
from django_tandem.plan.peers import edge_peers
from django_tandem.plan.processes import is_supervised
from django_tandem.routing.table import edge_rules
from django_tandem.settings import Settings, TlsSettings

REDIRECT = 'TANDEM["EDGE"]["REDIRECT"]'


def edge(context: PlanContext, verdicts: tuple[Verdict, ...], stacks: tuple[Stack, ...]) -> Edge:
    """Return the configuration of NGINX; raises SettingError for an address, REDIRECT or PEERS."""
    project, settings, host = context.project, context.settings, context.host
    return Edge(
        nginx=host.nginx,
        binds=binds(settings.bind, has_ipv6=host.has_ipv6),
        redirects=_redirects(settings, has_ipv6=host.has_ipv6),
        workers=math.ceil(host.cpus),
        rules=edge_rules(verdicts, settings.routes),
        stacks=stacks,
        stripped_prefixes=_stripped_prefixes(settings.routes),
        max_body=settings.edge.max_body,
        read_timeout_s=settings.wsgi.timeout_s,
        drain_s=settings.drain_s,
        worker_shutdown_timeout_s=_shutdown_timeout_s(context),
        server_names=settings.edge.server_names,
        tls=_tls(settings.edge.tls),
        open_files=min(OPEN_FILES, host.open_files),
        trusted_proxies=settings.edge.trusted_proxies,
        static=project.static,
        media=project.media if settings.edge.media else None,
        error_pages=settings.edge.error_pages,
        include=settings.edge.include or Include(),
        acme_root=settings.edge.acme_root,
        temp_dir=_temp_dir(context),
        worker_user=host.user if host.is_root else None,
        handover=settings.handover and context.has_both,
        script_name=project.script_name.rstrip("/"),
        peers=edge_peers(
            settings, context.roles, stacks, host, requires_trust=context.requires_trust
        ),
    )


def _shutdown_timeout_s(context: PlanContext) -> int:
    """Return how long a worker of NGINX may take to end once it serves no new connection."""
    settings = context.settings
    if not is_supervised(context):
        # Its reload is a new container, so that its only end is a stop, after its delay.
        return settings.stop_s - settings.stop_delay_s
    return max(settings.drain_s, settings.wsgi.timeout_s) + 2 * settings.stop_s


def _temp_dir(context: PlanContext) -> str | None:
    given = context.settings.edge.temp_dir
    return os.path.normpath(PurePath(context.project.directory, given)) if given else None


def _tls(settings: TlsSettings | None) -> Tls | None:
    return Tls(certificate=settings.certificate, key=settings.key) if settings else None


def _redirects(settings: Settings, *, has_ipv6: bool) -> tuple[Bind, ...]:
    given = settings.edge.redirect
    if not given:
        return ()
    shown = ", ".join(given)
    if settings.edge.tls is None:
        raise SettingError(
            f'{REDIRECT} is "{shown}", and TANDEM["EDGE"]["TLS"] is not set.',
            hint="Set TLS, or remove REDIRECT: behind a proxy that ends TLS, Django's "
            "SECURE_SSL_REDIRECT redirects.",
        )
    found = binds(given, has_ipv6=has_ipv6)
    for bind in binds(settings.bind, has_ipv6=has_ipv6):
        if bind in found:
            raise SettingError(
                f'{REDIRECT} is "{shown}", and BIND serves HTTPS on {bind}.',
                hint='Set them to different ports, such as ":80" and ":443".',
            )
    return found


def _stripped_prefixes(pins: tuple[Pin, ...]) -> tuple[str, ...]:
    return tuple(pin.target for pin in pins if pin.strip)
