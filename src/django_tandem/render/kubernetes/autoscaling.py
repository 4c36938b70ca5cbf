"""
What sets the number of pods: recording rules for Prometheus, and the targets of an autoscaler.

Kubernetes computes ``ceil(pods * metric / target)``. A rule records ``pods * metric``, so that the
HorizontalPodAutoscaler and KEDA's ScaledObject divide one and the same number.
"""

from dataclasses import dataclass

from django_tandem.model import Role, Stack
from django_tandem.render.kubernetes.application import Application

# Beyond it, requests queue for a worker that happens to be busy.
BUSY_SHARE = 0.7
# Of a request, before a worker takes it.
QUEUE_SECONDS = 0.2
# In percent of what a pod requests.
CPU = 70
# How many pods a role has: two, so that one may be replaced.
LEAST, MOST = 2, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """
    A metric of a role's pods, and the value of it that a pod is meant to have.

    ``record`` is the name of the rule that records it for all pods together, ``expr`` its PromQL.
    """

    role: Role
    record: str
    expr: str
    target: float
    about: str

    @property
    def external(self) -> str:
        """Its name in the cluster's API of external metrics, where a colon is not allowed."""
        return self.record.replace(":", "_")

    @property
    def quantity(self) -> str:
        """Its target as a quantity of Kubernetes, in thousandths."""
        return f"{round(self.target * 1000)}m"


def metrics(app: Application, role: Role) -> tuple[Metric, ...]:
    """Return the metrics that a role is scaled by, in addition to its CPU."""
    return tuple(metric for metric in rules(app) if metric.role is role)


def rules(app: Application) -> tuple[Metric, ...]:
    """Return the metrics of the plan's stacks."""
    # The edge measures how long a request waits.
    found = (_busy(app),) if app.is_direct else (_busy(app), _queue(app))
    return (*found, _connections(app)) if app.plan.edge.has_asgi else found


def _busy(app: Application) -> Metric:
    workers, busy = _workers(app, Stack.WSGI), _workers(app, Stack.WSGI, 'state="busy"')
    return Metric(
        role=Role.WSGI,
        record="tandem:wsgi_busy:pods",
        expr=f"{_pods(app, Stack.WSGI)} * {busy} / {workers}",
        target=BUSY_SHARE,
        about="the share of its workers that are busy",
    )


def _queue(app: Application) -> Metric:
    pods = _pods(app, Stack.WSGI)
    seconds = _rate(app, "tandem_queue_seconds_sum")
    requests = _rate(app, "tandem_queue_seconds_count")
    return Metric(
        role=Role.WSGI,
        record="tandem:wsgi_queue_seconds:pods",
        # Where no request came there is no mean, and the other series keeps the rule a number.
        expr=f"{pods} * {seconds} / ({requests} > 0) or {pods} * 0",
        target=QUEUE_SECONDS,
        about="the mean time that a request waits for a worker",
    )


def _connections(app: Application) -> Metric:
    workers = _workers(app, Stack.ASGI)
    # A stack that no WebSocket was opened on has no series of it.
    open_ones = " + ".join(
        f"({_sum(app, name)} or {workers} * 0)"
        for name in ("tandem_websocket_connections", "tandem_streams")
    )
    return Metric(
        role=Role.ASGI,
        record="tandem:asgi_connections:pods",
        expr=f"{_pods(app, Stack.ASGI)} * ({open_ones}) / {workers}",
        target=app.options.asgi_connections,
        about="the WebSockets and event streams of one process",
    )


def _pods(app: Application, stack: Stack) -> str:
    of_each = f"count by (namespace, job, pod) (tandem_workers{_selector(app, stack)})"
    return f"count by (namespace, job) ({of_each})"


def _workers(app: Application, stack: Stack, *matchers: str) -> str:
    selector = _selector(app, stack, *matchers)
    # A scrape sees one moment of a worker.
    return f"sum by (namespace, job) (avg_over_time(tandem_workers{selector}[1m]))"


def _rate(app: Application, name: str) -> str:
    return f"sum by (namespace, job) (rate({name}{_selector(app, Stack.WSGI)}[1m]))"


def _sum(app: Application, name: str) -> str:
    return f'sum by (namespace, job) ({name}{{job="{app.name}"}})'


def _selector(app: Application, stack: Stack, *matchers: str) -> str:
    return "{" + ",".join((f'job="{app.name}"', f'stack="{stack.value}"', *matchers)) + "}"
