"""Small builders of the pipeline's values, with defaults that serve."""

import time
from typing import Any

from django_tandem.model import (
    Block,
    BlockRule,
    Host,
    Nginx,
    Overrides,
    PathMatch,
    Plan,
    Project,
    Protocol,
    Route,
    Stack,
    Verdict,
    View,
)
from django_tandem.model.roles import parse_roles
from django_tandem.model.shifts import Shift
from django_tandem.plan import make_plan
from django_tandem.settings import read_settings
from django_tandem.shift.samples import Sample

DEBIAN = Nginx(
    program="/usr/sbin/nginx", version=(1, 22, 1), arguments="--with-http_gzip_static_module"
)
WHEEL = Nginx(program="/wheel/nginx", version=(1, 31, 3))


def host(**changes: Any) -> Host:
    return Host(
        **{
            "python": "/venv/bin/python",
            "nginx": DEBIAN,
            "cpus": 2.0,
            "memory_mb": 4096,
            "has_ipv6": True,
            "user": "web",
            "is_root": False,
            "valkey": "/wheel/valkey-server",
            **changes,
        }
    )


def route(pattern: str, **changes: Any) -> Route:
    """A route that answers one path and no other."""
    return Route(
        **{
            "pattern": pattern,
            "name": None,
            "view": View(dotted="project.views.view"),
            "match": PathMatch(pcre=rf"^{pattern}\z", prefix=pattern, literal=pattern),
            **changes,
        }
    )


def verdict(pattern: str, stack: Stack = Stack.WSGI, **changes: Any) -> Verdict:
    return Verdict(route=route(pattern, **changes), stack=stack, reason="as the test has it")


def websocket(pattern: str) -> Verdict:
    return verdict(pattern, Stack.ASGI, protocol=Protocol.WEBSOCKET)


def block(regex: str, **changes: Any) -> Block:
    """A block of the paths of ``regex`` that began now."""
    return Block(
        **{
            "target": "/",
            "status": 503,
            "close": 4001,
            "window_s": 0.2,
            "since_s": time.time(),
            "rules": (BlockRule(regex=regex),),
            **changes,
        }
    )


def shift(**changes: Any) -> Shift:
    """A shift of one route to ASGI, in its first step."""
    return Shift(
        **{
            "route": "/reports/",
            "to": Stack.ASGI,
            "home": Stack.WSGI,
            "steps": (5, 50, 100),
            "step_began_s": 900.0,
            "generation": 1,
            **changes,
        }
    )


def sample(**changes: Any) -> Sample:
    """A request of that route that succeeded at home."""
    return Sample(
        **{
            "at": 950.0,
            "stack": "asgi",
            "route": "0123456789ab",
            "is_trial": False,
            "is_failed": False,
            "status": 200,
            "took_s": 0.1,
            "first_byte_s": 0.1,
            "size": 200,
            "client": "1234",
            "exception": "",
            "shape": "200|text/html||||||||",
            "request_id": "id",
            "path": "/reports/",
            **changes,
        }
    )


def project(**changes: Any) -> Project:
    return Project(
        **{
            "directory": "/srv/project",
            "settings_module": "config.settings",
            "debug": False,
            "wsgi": "config.wsgi.application",
            "asgi": "config.asgi.application",
            "routes": (),
            **changes,
        }
    )


def plan(
    *verdicts: Verdict,
    tandem: dict[str, Any] | None = None,
    on: Host | None = None,
    run_dir: str = "/srv/project/.tandem",
    generation: int = 1,
    roles: str | None = None,
    is_direct: bool = False,
    **changes: Any,
) -> Plan:
    overrides = Overrides(roles=parse_roles(roles) if roles else None, is_direct=is_direct)
    return make_plan(
        project(**changes),
        read_settings(tandem),
        on or host(),
        verdicts,
        run_dir=run_dir,
        generation=generation,
        overrides=overrides,
    )
