"""The alerts and the dashboard use what is on the monitor's page."""

import json
import re

import pytest

from builders import plan, websocket
from django_tandem.render.monitoring.alerts import alerts
from django_tandem.render.monitoring.dashboard import dashboard_json
from unit.monitor.measured import labels_by_metric

# What Prometheus itself adds to the page of a target.
OF_PROMETHEUS = {"up": {"job", "instance"}}
# Functions and keywords of PromQL, which a name may look like.
PROMQL = {
    *("sum", "by", "max", "rate", "increase", "changes", "topk", "histogram_quantile"),
    *("and", "or", "unless", "offset"),
}

MADE = plan(websocket("/ws/"), tandem={"METRICS": "127.0.0.1:9001"})
DASHBOARD = json.loads(dashboard_json(MADE))
EXPRESSIONS = [
    *(alert.expr for alert in alerts(MADE)),
    *(each["expr"] for each in DASHBOARD["annotations"]["list"]),
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])),
]


def known_labels() -> dict[str, set[str]]:
    """Return the names of the labels of each metric, with Prometheus' own."""
    of_the_page = {name: {*labels, "instance"} for name, labels in labels_by_metric().items()}
    return {**of_the_page, **OF_PROMETHEUS}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_uses_metrics_and_labels_of_the_page(expression) -> None:
    """Prometheus evaluates any other one too, and returns nothing."""
    known = known_labels()
    in_braces = re.findall(r"\{(.*?)\}", expression)
    grouped = re.findall(r"(?:by|on) \((.*?)\)", expression)
    rest = re.sub(r"\{.*?\}|\[.*?\]|(?:by|on) \(.*?\)", "", expression)
    metrics = set(re.findall(r"[a-z_]{2,}", rest)) - PROMQL
    used = {name for each in in_braces for name in re.findall(r"(\w+)=", each)}
    used |= {name for each in grouped for name in each.split(", ")}

    assert metrics <= known.keys()
    assert used <= set.union(*(known[name] for name in metrics))


def test_each_choice_is_a_label_of_its_metric() -> None:
    """Grafana lists the values that the label has there."""
    known = known_labels()
    queries = [
        re.fullmatch(r"label_values\((\w+), (\w+)\)", each["definition"])
        for each in DASHBOARD["templating"]["list"]
        if each["type"] == "query"
    ]

    assert len(queries) == 3
    assert all(query and query[2] in known[query[1]] for query in queries)
