"""The edge of a plan: where it listens, what it routes, and how many workers it has."""

import ipaddress
import math
import re
from collections.abc import Iterable

from django_tandem.errors import SettingError
from django_tandem.model import Bind, Edge, Include, Pin, Stack, Tls, Verdict
from django_tandem.plan.capacity import OPEN_FILES
from django_tandem.plan.processes import PlanContext
from django_tandem.routing.table import edge_rules
from django_tandem.settings import Settings, TlsSettings

REDIRECT = 'TANDEM["EDGE"]["REDIRECT"]'


def edge(context: PlanContext, verdicts: tuple[Verdict, ...], stacks: tuple[Stack, ...]) -> Edge:
    """Return the configuration of NGINX; raises SettingError for an address or a REDIRECT."""
    project, settings, host = context.project, context.settings, context.host
    longest_s = max(settings.drain_s, settings.wsgi.timeout_s)
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
        worker_shutdown_timeout_s=longest_s + 2 * settings.stop_s,
        server_names=settings.edge.server_names,
        tls=_tls(settings.edge.tls),
        open_files=min(OPEN_FILES, host.open_files),
        trusted_proxies=settings.edge.trusted_proxies,
        static=project.static,
        media=project.media if settings.edge.media else None,
        error_pages=settings.edge.error_pages,
        include=settings.edge.include or Include(),
        acme_root=settings.edge.acme_root,
        worker_user=host.user if host.is_root else None,
        handover=settings.handover and context.has_both,
        script_name=project.script_name.rstrip("/"),
    )


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
