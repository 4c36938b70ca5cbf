"""The HTTPRoutes of a URLconf, and the request targets whose spelling all gateways agree on."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import yaml
from django.conf import settings

import builders
from django_tandem.model import Stack, Verdict
from django_tandem.render.kubernetes.application import Parent
from django_tandem.render.kubernetes.lowering import lower
from django_tandem.render.kubernetes.routes import BackendRef, render_routes
from harness.gateway_api import HttpRoute

BACKENDS = {stack: BackendRef(name=stack.value, port=80) for stack in Stack}
# RFC 3986: these are not encoded, and normalizers decode them.
_UNRESERVED = re.compile(rb"[A-Za-z0-9._~-]")
_ENCODED = re.compile(rb"%[0-9A-Fa-f]{2}")
_SLASHES_OR_DOTS = re.compile(rb"//|/\.{1,2}(?:/|\Z)|(?i:%2f)")


def routes_of(verdicts: Sequence[Verdict], **changes: Any) -> list[HttpRoute]:
    """Render the HTTPRoutes of these verdicts, by the settings of the moment."""
    plan = builders.plan(*verdicts, script_name=settings.FORCE_SCRIPT_NAME or "", **changes)
    text = render_routes(
        lower(plan).matches,
        name="site",
        labels={},
        parent=Parent(name="public"),
        hosts=(),
        backends=BACKENDS,
    )
    return list(yaml.safe_load_all(text))


def is_normal(target: bytes) -> bool:
    """Whether ``target`` has no character encoded in vain, and no slashes or dots to resolve."""
    path = re.split(rb"[?#]", target, maxsplit=1)[0]
    encoded = (unquote_to_bytes(each) for each in _ENCODED.findall(path))
    return not any(map(_UNRESERVED.match, encoded)) and not _SLASHES_OR_DOTS.search(path)


def path_of(target: bytes) -> str:
    """Return the path of ``target`` as a gateway compares it: as it was written."""
    return re.split(rb"[?#]", target, maxsplit=1)[0].decode()
