"""Render the manifests of a cluster: a base, overlays to edit, and the rules of its autoscalers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from django_tandem.model import Autoscaler, File, Gateway, Plan
from django_tandem.render.kubernetes import autoscaling, routes
from django_tandem.render.kubernetes.application import Application, application
from django_tandem.render.kubernetes.lowering import lower
from django_tandem.render.kubernetes.widening import report_lines
from django_tandem.render.kubernetes.workloads import OF_A_STACK, Workload, workloads
from django_tandem.render.target import Target, fill


def render(plan: Plan) -> tuple[File, ...]:
    """Return the files; raises SettingError for a setting that no cluster can carry out."""
    app = application(plan)
    pods = workloads(app)
    base = tuple(_base(app, pods))
    names = [file.name.removeprefix("base/") for file in base]
    return (
        _file("base/kustomization.yaml", app, resources=names),
        *base,
        *_of_prometheus(app),
        *_overlays(app, pods),
    )


def _base(app: Application, pods: tuple[Workload, ...]) -> Iterator[File]:
    for each in pods:
        yield _file(
            f"base/{each.role}.yaml",
            app,
            template="workload.yaml",
            workload=each,
            metrics=autoscaling.metrics(app, each.role),
            bounds=autoscaling,
        )
    yield _file("base/migrate.yaml", app, resources=OF_A_STACK)
    yield from routes.files(app)
    if app.options.has_pod_monitor:
        yield _file("base/monitoring.yaml", app, rules=autoscaling.rules(app))


def _of_prometheus(app: Application) -> Iterator[File]:
    """Yield what is not of the cluster's API: the rules, and the adapter's configuration."""
    if app.options.autoscaler is Autoscaler.NONE:
        return
    if not app.options.has_pod_monitor:
        yield _file("prometheus/rules.yml", app, rules=autoscaling.rules(app))
    if app.options.autoscaler is Autoscaler.HPA:
        yield _file("prometheus/adapter-values.yml", app)


def _overlays(app: Application, pods: tuple[Workload, ...]) -> Iterator[File]:
    for name in ("production", "staging"):
        made = _file(
            f"overlays/{name}/kustomization.yaml",
            app,
            template="overlay.yaml",
            overlay=name,
            workloads=pods,
        )
        yield replace(made, is_kept=True)


def _file(name: str, app: Application, *, template: str = "", **values: object) -> File:
    """Return a file; its template has its name, unless another is given."""
    template = template or PurePath(name).name
    content = fill(f"kubernetes/{template}.j2", app=app, plan=app.plan, **values)
    return File(name=name, content=content)


def notes(plan: Plan) -> Iterator[str]:
    """Yield what to know of the manifests."""
    if plan.stop_delay_s == 0:
        yield (
            'TANDEM["STOP_DELAY_S"] is 0: a pod that stops refuses requests before the cluster has '
            "removed its address. Set it to 5 or more, and STOP_S to 10 more than that."
        )
    if plan.kubernetes.gateway is Gateway.EDGE and not plan.edge.trusted_proxies:
        yield (
            'TANDEM["EDGE"]["TRUSTED_PROXIES"] is empty: behind a Gateway or an Ingress that ends '
            "TLS, every request is plain HTTP to Django, and its CSRF check rejects forms. Name "
            "the network of its pods."
        )
    if plan.kubernetes.gateway is Gateway.DIRECT:
        lowered = lower(plan)
        yield from report_lines(lowered.rules, lowered.wsgi_routes)
        yield from _of_no_edge(plan)


def _of_no_edge(plan: Plan) -> Iterator[str]:
    files = [each.prefix for each in (plan.edge.static, plan.edge.media) if each]
    if files:
        yield (
            f"Nothing serves {' and '.join(files)} without the edge: use WhiteNoise, or a store of "
            "files with a separate URL."
        )


TARGET = Target(
    name="kubernetes",
    summary='the manifests of TANDEM["KUBERNETES"]: base and overlays for kustomize',
    render=render,
    notes=notes,
    has_every_role=True,
)
