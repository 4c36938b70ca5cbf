"""docs/reference/files.md, from the render targets and the plan of a small project."""

from collections.abc import Iterator

from markdown import code, fill, table

from django_tandem.model import (
    Host,
    Nginx,
    Packaging,
    PathMatch,
    Plan,
    Process,
    Project,
    Protocol,
    Route,
    Stack,
    Verdict,
    View,
)
from django_tandem.plan import make_plan
from django_tandem.render.targets import TARGETS
from django_tandem.settings import read_settings

ABOUT = {
    "nginx.conf": "the edge: addresses, the route table, forwarded headers, static files; `0600` "
    "with the secret of PEERS",
    "mime.types": "content types by suffix; not every NGINX comes with them",
    "supervisord.conf": "every program, with its command line and environment, if several run",
    "monitor.conf": "the directive that makes the edge log to the monitor; nginx.conf includes it",
    "state.json": "what serves, for `status`, `logs`, `reload` and `down`",
    "prometheus-rules.yml": "the alerts for Prometheus",
    "prometheus.yml": "an example of a scrape configuration",
    "grafana-dashboard.json": "the dashboard for Grafana",
    "Dockerfile": "the image of every role, next to the code",
    ".dockerignore": "what the image is built without",
    "compose.yaml": "a service for each role, and the servers that they need",
    ".env.example": "the variables of `.env`, without a value",
    "site.service": "the unit for systemd, by the name of the project",
    "base/kustomization.yaml": "the list of the base's files, and its ConfigMap",
    "base/edge.yaml": "the pods of the edge, and their Service, budget, policy and autoscaler",
    "base/wsgi.yaml": "those of WSGI",
    "base/asgi.yaml": "those of ASGI",
    "base/workers.yaml": "those of the Channels workers and PROGRAMS",
    "base/migrate.yaml": "the Job that applies the migrations",
    "base/route.yaml": "the HTTPRoute, if a Gateway is named",
    "prometheus/rules.yml": "what Prometheus records for the autoscalers",
    "prometheus/adapter-values.yml": "the names under which its adapter serves them",
    "overlays/production/kustomization.yaml": "an overlay to edit, which is kept once it is there",
    "overlays/staging/kustomization.yaml": "another one",
}
# A small project with what makes each target render all of its files.
SETTINGS = {
    "PROGRAMS": {"celery": ["celery", "-A", "config", "worker"]},
    "METRICS": ":8002",
    "HEALTH": ":8001",
    "PEERS": {"WSGI": ["wsgi:9000"], "ASGI": ["asgi:9001"]},
    "KUBERNETES": {
        "IMAGE": "registry.example.com/mysite",
        "PARENT": "gateways/public",
        "AUTOSCALER": "hpa",
    },
}
HOST = Host(
    python="/srv/venv/bin/python",
    nginx=Nginx(program="/usr/sbin/nginx", version=(1, 28, 0)),
    cpus=2.0,
    memory_mb=4096,
    has_ipv6=True,
    user="web",
    is_root=False,
    valkey="/srv/venv/bin/valkey-server",
)
PROJECT = Project(
    directory="/srv/site",
    settings_module="config.settings",
    debug=False,
    wsgi="config.wsgi.application",
    asgi="config.asgi.application",
    routes=(),
    channel_names=("thumbnails",),
    needs_redis=True,
    packaging=Packaging(root="/srv/site", files=("requirements.txt",), python="3.13"),
)
VERDICTS = (
    Verdict(
        route=Route(
            pattern="/ws/",
            name=None,
            view=View(dotted="config.consumers.Echo"),
            match=PathMatch(pcre="^/ws/", prefix="/ws/"),
            protocol=Protocol.WEBSOCKET,
        ),
        stack=Stack.ASGI,
        reason="a WebSocket consumer",
    ),
)


def page() -> str:
    """Return the whole page."""
    plan = _plan()
    return fill(
        "files.md.j2",
        files=table(("file", "mode", "target", "what it is"), _files(plan)),
        targets=table(("command", "writes"), _targets()),
        programs=table(
            ("program", "what it is", "order", "stopped by"), map(_program, plan.processes)
        ),
    )


def _targets() -> list[tuple[str, ...]]:
    return [(code(f"tandem render {each.name}"), each.summary) for each in TARGETS]


def _files(plan: Plan) -> Iterator[tuple[str, ...]]:
    for target in TARGETS:
        for file in target.render(plan):
            yield code(file.name), code(f"{file.mode:04o}"), target.name, ABOUT[file.name]


def _program(process: Process) -> tuple[str, ...]:
    signal = f"SIG{process.stop_signal}"
    return code(process.program), process.description, str(process.priority), signal


def _plan() -> Plan:
    settings = read_settings(SETTINGS)
    return make_plan(PROJECT, settings, HOST, VERDICTS, run_dir="/srv/site/.tandem")
