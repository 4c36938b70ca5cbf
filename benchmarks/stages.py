"""Prints how long each stage of planning takes, in the project that is the working directory."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import django
from django.urls import get_resolver

from django_tandem.model import Project
from django_tandem.plan import make_plan
from django_tandem.project.urlconf import http_routes
from django_tandem.render import nginx
from django_tandem.routing.policy import decide_all
from django_tandem.runtime.host import read_host
from django_tandem.settings import read_settings

T = TypeVar("T")
TOOK: dict[str, float] = {}


def timed(stage: str, work: Callable[[], T]) -> T:
    """Do the ``work`` of a stage, and keep how long it took."""
    started = time.perf_counter()
    done = work()
    TOOK[stage] = time.perf_counter() - started
    return done


def main() -> int:
    """Plan the project, Django's own part done before."""
    django.setup()
    resolver = get_resolver()
    resolver.url_patterns  # noqa: B018 - reading it imports
    here = str(Path.cwd())
    settings, host = read_settings(None), read_host(None)
    empty = Project(
        directory=here, settings_module="settings", debug=False, wsgi=None, asgi=None, routes=()
    )
    # Compiling the templates takes the same for one route and for thousands: not counted, for
    # it would make the growth look smaller than it is.
    nginx.render(make_plan(empty, settings, host, (), run_dir=here))
    routes = timed("discover", lambda: http_routes(resolver, here))
    project = replace(empty, routes=routes)
    verdicts = timed("decide", lambda: decide_all(routes, ()))
    plan = timed("plan", lambda: make_plan(project, settings, host, verdicts, run_dir=here))
    timed("render", lambda: nginx.render(plan))
    print(json.dumps(TOOK))
    return 0


if __name__ == "__main__":
    sys.exit(main())
