"""Render what watches a running stack: alerts for Prometheus, a dashboard for Grafana."""

from django_tandem.errors import SettingError
from django_tandem.model import File, Plan
from django_tandem.render.monitoring.alerts import JOB, alerts
from django_tandem.render.monitoring.dashboard import dashboard_json
from django_tandem.render.target import Target, fill

RULES = "prometheus-rules.yml"
SCRAPE = "prometheus.yml"
DASHBOARD = "grafana-dashboard.json"


def render(plan: Plan) -> tuple[File, ...]:
    """Return the files; raises SettingError where there is no monitor, or no address to scrape."""
    if not plan.has_monitor:
        raise SettingError(
            'TANDEM["MONITOR"] is False, so Prometheus has nothing to scrape.',
            hint='Set it to True, its default, and name an address, such as "METRICS": '
            '"127.0.0.1:8002".',
        )
    if not plan.metrics_binds:
        raise SettingError(
            'TANDEM["METRICS"] is not set, so Prometheus has no address to scrape.',
            hint='Name one for the monitor, such as "METRICS": "127.0.0.1:8002".',
        )
    targets = [str(bind.local) for bind in plan.metrics_binds]
    return (
        File(name=RULES, content=fill("monitoring/rules.yml.j2", alerts=alerts(plan))),
        File(
            name=SCRAPE,
            content=fill("monitoring/prometheus.yml.j2", rules=RULES, job=JOB, targets=targets),
        ),
        File(name=DASHBOARD, content=dashboard_json(plan)),
    )


TARGET = Target(
    name="monitoring",
    summary=f"what watches a stack: {RULES}, {SCRAPE} and {DASHBOARD}",
    render=render,
)
