"""The dashboard for Grafana: its panels, and Grafana's JSON for them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django_tandem.model import Plan
from django_tandem.render.monitoring.alerts import DURATION, OF_ERRORS

# That of Grafana 9, which every later one reads.
SCHEMA_VERSION = 37
# Grafana's grid.
COLUMNS = 24
HEIGHT = 8

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

# The choices at the top of the dashboard, and what they select.
VARIABLES = (
    ("instance", "tandem_generation"),
    ("stack", f"{DURATION}_count"),
    ("http_route", f"{DURATION}_count"),
)
CHOSEN = 'instance=~"$instance"'
CHOSEN_STACK = f'{CHOSEN},stack=~"$stack"'
CHOSEN_ROUTE = f'{CHOSEN_STACK},http_route=~"$http_route"'
PER_S = "[$__rate_interval]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A PromQL expression, and the name of each of its series."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel of time series; ``unit`` is Grafana's, and ``is_stacked`` adds the series up."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    description: str = ""
    is_stacked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelRow:
    """A heading and the panels below it, two side by side."""

    title: str
    panels: tuple[Panel, ...]


def rows(plan: Plan) -> Iterator[PanelRow]:
    """Yield the rows; that of the event loop, WebSockets and streams only with ASGI."""
    yield PanelRow(title="Requests", panels=_requests())
    yield PanelRow(title="Routes", panels=_routes())
    yield PanelRow(title="Workers and queue", panels=_workers())
    if plan.edge.has_asgi:
        yield PanelRow(
            title="WebSockets, streams and the event loop",
            panels=(*_event_loops(), *_connections()),
        )
    yield PanelRow(title="Processes", panels=_processes())


def _requests() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Requests by stack",
            unit="reqps",
            queries=(_rate(f"{DURATION}_count", CHOSEN_ROUTE, "stack"),),
            description="WebSockets and event streams are not counted.",
            is_stacked=True,
        ),
        Panel(
            title="Errors by status",
            unit="reqps",
            queries=(
                _rate(
                    f"{DURATION}_count", f"{CHOSEN_ROUTE},{OF_ERRORS}", "http_response_status_code"
                ),
            ),
            description="502, 503 and 504 are the edge's: no worker, a full queue, a timeout.",
            is_stacked=True,
        ),
        Panel(
            title="Duration",
            unit="s",
            queries=tuple(_quantile(f"{DURATION}_bucket", CHOSEN_ROUTE, q) for q in (50, 95, 99)),
            description="As the edge measures it, with the time in the queue.",
        ),
        Panel(
            title="Time in the queue",
            unit="s",
            queries=tuple(
                _quantile("tandem_queue_seconds_bucket", CHOSEN_STACK, q) for q in (50, 95)
            ),
        ),
    )


def _routes() -> tuple[Panel, ...]:
    slow = f"sum by (http_route, le) (rate({DURATION}_bucket{{{CHOSEN_ROUTE}}}{PER_S}))"
    time = f"sum by (http_route) (rate({DURATION}_sum{{{CHOSEN_ROUTE}}}{PER_S}))"
    errors = f"{DURATION}_count{{{CHOSEN_ROUTE},{OF_ERRORS}}}"
    return (
        Panel(
            title="Ten slowest routes, 95th percentile",
            unit="s",
            queries=(
                Query(expr=f"topk(10, histogram_quantile(0.95, {slow}))", legend="{{http_route}}"),
            ),
        ),
        Panel(
            title="Ten busiest routes, seconds of requests per second",
            unit="short",
            queries=(Query(expr=f"topk(10, {time})", legend="{{http_route}}"),),
        ),
        Panel(
            title="Ten routes with the most errors",
            unit="reqps",
            queries=(
                Query(
                    expr=f"topk(10, sum by (http_route) (rate({errors}{PER_S})))",
                    legend="{{http_route}}",
                ),
            ),
        ),
        Panel(
            title="Handovers",
            unit="reqps",
            queries=(_rate("tandem_handovers_total", CHOSEN, "http_route", "to"),),
            description="Requests that one stack has handed over to the other.",
        ),
    )


def _workers() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Workers",
            unit="short",
            queries=(_sum("tandem_workers", CHOSEN_STACK, "stack", "state"),),
            is_stacked=True,
        ),
        Panel(
            title="Queue",
            unit="short",
            queries=(
                _sum("tandem_queue_length", CHOSEN_STACK, "stack"),
                Query(
                    expr=f"sum by (stack) (tandem_queue_limit{{{CHOSEN_STACK}}})",
                    legend="limit of {{stack}}",
                ),
            ),
            description="Requests beyond the limit get 503.",
        ),
    )


def _event_loops() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Delay of the event loops",
            unit="s",
            queries=(
                Query(
                    expr=f"max by (instance) (tandem_event_loop_lag_seconds{{{CHOSEN}}})",
                    legend="{{instance}}",
                ),
            ),
        ),
        Panel(
            title="Threads for synchronous code",
            unit="short",
            queries=(
                _sum("tandem_threads", CHOSEN, "state"),
                Query(
                    expr=f"sum by (instance) (tandem_thread_queue_length{{{CHOSEN}}})",
                    legend="queued on {{instance}}",
                ),
            ),
        ),
    )


def _connections() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Open WebSockets",
            unit="short",
            queries=(_sum("tandem_websocket_connections", CHOSEN, "http_route"),),
            is_stacked=True,
        ),
        Panel(
            title="Messages and closes of WebSockets",
            unit="cps",
            queries=(
                _rate("tandem_websocket_messages_total", CHOSEN, "direction"),
                Query(
                    expr=f"sum by (code) (rate(tandem_websocket_closes_total{{{CHOSEN}}}{PER_S}))",
                    legend="closed with {{code}}",
                ),
            ),
        ),
        Panel(
            title="Open event streams",
            unit="short",
            queries=(_sum("tandem_streams", CHOSEN, "http_route"),),
            is_stacked=True,
        ),
        Panel(
            title="Ends of event streams",
            unit="cps",
            queries=(_rate("tandem_stream_ends_total", CHOSEN, "outcome"),),
        ),
    )


def _processes() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Memory",
            unit="bytes",
            queries=(_sum("tandem_memory_pss_bytes", CHOSEN, "program"),),
            description="The proportional set size: what processes share is counted once.",
            is_stacked=True,
        ),
        Panel(
            title="Database connections",
            unit="short",
            queries=(_sum("tandem_database_connections", CHOSEN, "alias"),),
            is_stacked=True,
        ),
        Panel(
            title="Restarts",
            unit="short",
            queries=(
                Query(
                    expr=f"sum by (program) (increase(tandem_restarts_total{{{CHOSEN}}}{PER_S}))",
                    legend="{{program}}",
                ),
            ),
        ),
        Panel(
            title="Requests missing from the monitor",
            unit="short",
            queries=(
                Query(
                    expr=f"sum by (instance) (increase(tandem_monitor_lines_lost_total{{{CHOSEN}}}"
                    f"{PER_S}))",
                    legend="{{instance}}",
                ),
            ),
        ),
    )


def _rate(metric: str, chosen: str, *labels: str) -> Query:
    return _grouped(f"rate({metric}{{{chosen}}}{PER_S})", labels)


def _sum(metric: str, chosen: str, *labels: str) -> Query:
    return _grouped(f"{metric}{{{chosen}}}", labels)


def _grouped(expr: str, labels: tuple[str, ...]) -> Query:
    legend = " ".join(f"{{{{{label}}}}}" for label in labels)
    return Query(expr=f"sum by ({', '.join(labels)}) ({expr})", legend=legend)


def _quantile(metric: str, chosen: str, percent: int) -> Query:
    buckets = f"sum by (stack, le) (rate({metric}{{{chosen}}}{PER_S}))"
    return Query(
        expr=f"histogram_quantile({percent / 100:g}, {buckets})", legend=f"{{{{stack}}}} p{percent}"
    )


# Grafana's JSON


def dashboard_json(plan: Plan) -> str:
    """Return the dashboard, to be imported or provisioned."""
    found = {
        "uid": "django-tandem",
        "title": "django-tandem",
        "tags": ["django-tandem"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "annotations": {"list": [_reloads()]},
        "templating": {"list": [_datasource(), *map(_variable, VARIABLES)]},
        "panels": list(_panels(rows(plan))),
    }
    return json.dumps(found, indent=2) + "\n"


def _reloads() -> dict[str, Any]:
    return {
        "name": "Generations",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": f"changes(tandem_generation{{{CHOSEN}}}[$__interval]) > 0",
        "titleFormat": "A new generation",
        "textFormat": "{{instance}}",
    }


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus"}


def _variable(named: tuple[str, str]) -> dict[str, Any]:
    name, metric = named
    query = f"label_values({metric}, {name})"
    return {
        "name": name,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        # As the time range changes: a route may be new.
        "refresh": 2,
        "sort": 1,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panels(found: Iterable[PanelRow]) -> Iterator[dict[str, Any]]:
    number = top = 0
    for row in found:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        }
        top += 1
        for index, panel in enumerate(row.panels):
            number += 1
            left = index % 2 * COLUMNS // 2
            place = {"x": left, "y": top, "w": COLUMNS // 2, "h": HEIGHT}
            yield _panel(panel, number, place)
            top += HEIGHT if left or index == len(row.panels) - 1 else 0


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    custom = {"fillOpacity": 20, "stacking": {"mode": "normal"}} if panel.is_stacked else {}
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "custom": custom},
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
            }
            for index, query in enumerate(panel.queries)
        ],
    }
