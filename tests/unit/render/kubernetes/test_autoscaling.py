"""The numbers that an autoscaler gets: which metrics, which sums, and where they lead."""

import json
import math
import re
import subprocess
from collections import deque

import pytest

from django_tandem.render.kubernetes import autoscaling
from django_tandem.render.kubernetes.application import application
from unit.monitor.measured import labels_by_metric
from unit.render.kubernetes.autoscaler import STEP_S, Controller, WsgiPods
from unit.render.kubernetes.manifests import cluster, files, objects

RULES = {rule.record.split(":")[1]: rule for rule in autoscaling.rules(application(cluster()))}
# What a PodMonitor adds to each series, and the words of PromQL.
OF_A_POD = {"namespace", "job", "pod"}
PROMQL = {"count", "sum", "rate", "avg_over_time", "or", "by"}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_rule_uses_metrics_and_labels_of_the_page(rule) -> None:
    """Prometheus evaluates any other one too, and the autoscaler gets nothing."""
    known = labels_by_metric()
    plain = re.sub(r"\{.*?\}|\[.*?\]|by \(.*?\)", "", rule.expr)
    metrics = set(re.findall(r"[a-z_]{2,}", plain)) - PROMQL
    matched = {
        (metric, label)
        for metric, matchers in re.findall(r"(\w+)\{(.*?)\}", rule.expr)
        for label in re.findall(r"(\w+)=", matchers)
    }

    assert metrics
    assert metrics <= known.keys()
    assert all(label in known[metric] | OF_A_POD for metric, label in matched)


def series(name: str, values: str, **labels: str) -> dict[str, str]:
    pairs = {"namespace": "shop", "job": "mysite", **labels}
    text = ",".join(f'{key}="{value}"' for key, value in pairs.items())
    return {"series": f"{name}{{{text}}}", "values": values}


# Three pods with two workers, of which four are busy; a request waits half a second. Two pods of
# ASGI with one process each have 300 connections.
LOAD = [
    *(
        series("tandem_workers", f"{busy}x20", pod=f"w{n}", stack="wsgi", state="busy")
        for n, busy in enumerate((2, 2, 0))
    ),
    *(
        series("tandem_workers", f"{idle}x20", pod=f"w{n}", stack="wsgi", state="idle")
        for n, idle in enumerate((0, 0, 2))
    ),
    series("tandem_queue_seconds_sum", "0+30x20", pod="e0", stack="wsgi"),
    series("tandem_queue_seconds_count", "0+60x20", pod="e0", stack="wsgi"),
    *(series("tandem_workers", f"{n}x20", pod=f"a{n}", stack="asgi", state="busy") for n in (0, 1)),
    *(
        series("tandem_workers", f"{1 - n}x20", pod=f"a{n}", stack="asgi", state="idle")
        for n in (0, 1)
    ),
    series("tandem_websocket_connections", "200x20", pod="a0", http_route="/ws/"),
    series("tandem_websocket_connections", "60x20", pod="a1", http_route="/ws/"),
    series("tandem_streams", "40x20", pod="a1", http_route="/feed/"),
]
# No request came, and no WebSocket is open.
IDLE = [
    series("tandem_workers", "0x20", pod="w0", stack="wsgi", state="busy"),
    series("tandem_workers", "2x20", pod="w0", stack="wsgi", state="idle"),
    series("tandem_queue_seconds_sum", "5x20", pod="e0", stack="wsgi"),
    series("tandem_queue_seconds_count", "9x20", pod="e0", stack="wsgi"),
    series("tandem_workers", "0x20", pod="a0", stack="asgi", state="busy"),
    series("tandem_workers", "1x20", pod="a0", stack="asgi", state="idle"),
]
# Three pods with 4/6, three with half a second, two with 150 connections a process.
RECORDED = [
    (LOAD, {"wsgi_busy": 2.0, "wsgi_queue_seconds": 1.5, "asgi_connections": 300.0}),
    (IDLE, {"wsgi_busy": 0.0, "wsgi_queue_seconds": 0.0, "asgi_connections": 0.0}),
]


@pytest.mark.processes
def test_prometheus_records_the_metric_of_all_pods_together(tmp_path) -> None:
    """Pods times metric: an autoscaler divides it by the target of one pod."""
    rules = files(cluster(AUTOSCALER="hpa"))["prometheus/rules.yml"]
    (tmp_path / "rules.yml").write_text(rules.content)
    cases = [
        {
            "interval": "15s",
            "input_series": given,
            "promql_expr_test": [
                {
                    "expr": f"tandem:{name}:pods",
                    "eval_time": "5m",
                    "exp_samples": [
                        {
                            "labels": f'tandem:{name}:pods{{namespace="shop",job="mysite"}}',
                            "value": value,
                        }
                    ],
                }
                for name, value in expected.items()
            ],
        }
        for given, expected in RECORDED
    ]
    test = {"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": cases}
    (tmp_path / "test.yml").write_text(json.dumps(test))

    done = subprocess.run(
        ["promtool", "test", "rules", "test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize(("rate", "pods"), [(10, 2), (100, 4), (250, 9)])
def test_pods_follow_the_requests(rate, pods) -> None:
    """To the fewest whose workers are busy for seven tenths of the time, from either side."""
    assert simulate([rate] * 80, start=2)[-1] == pods
    assert simulate([rate] * 80, start=20)[-1] == pods


def test_ten_times_the_requests_are_served_within_minutes() -> None:
    """The queue makes it double, and it does not go beyond twice of what it needs."""
    made = simulate([25] * 40 + [250] * 120, start=2)
    needed = 9

    assert next(n for n, each in enumerate(made[40:]) if each >= needed) * STEP_S <= 180
    assert max(made) <= 2 * needed
    assert set(made[-20:]) == {needed}


def test_a_steady_load_starts_and_ends_no_pod() -> None:
    """Also one whose demand lies on the edge between two numbers."""
    for rate in range(60, 300, 7):
        made = simulate([rate] * 200, start=4)
        assert len(set(made[-100:])) == 1, rate


def simulate(rates: list[int], start: int) -> list[int]:
    """Return the pods after each step: of two workers, whose requests take 50 ms."""
    pods = WsgiPods(workers=2, service_s=0.05, queue=64, pods=start)
    controller = Controller(least=2, most=40, current=start)
    busy, queue = RULES["wsgi_busy"].target, RULES["wsgi_queue_seconds"].target
    # The rules see a minute.
    seen: deque[tuple[float, float]] = deque(maxlen=60 // STEP_S)
    made = []
    for rate in rates:
        seen.append(pods.step(rate, controller.current))
        share, seconds = (sum(each) / len(seen) for each in zip(*seen, strict=True))
        made.append(controller.step([(pods.pods * share, busy), (pods.pods * seconds, queue)]))
    return made


def test_asgi_has_as_many_processes_as_its_connections_need() -> None:
    """Each holds 70 % of what it takes at most."""
    rule = autoscaling.rules(application(cluster(tandem={"ASGI": {"MAX_WEBSOCKETS": 500}})))[-1]

    assert rule.target == 350
    assert math.ceil(10_000 / rule.target) == 29


def test_the_bounds_of_connections_are_those_of_a_pod() -> None:
    """Not those of the machine that renders: 512 MB for one process of ASGI are 1024 of a kind."""
    assert RULES["asgi_connections"].target == int(1024 * 0.7)


@pytest.mark.parametrize("autoscaler", ["hpa", "keda"])
def test_both_autoscalers_divide_the_same_numbers(autoscaler) -> None:
    """By the same targets."""
    made = objects(cluster(AUTOSCALER=autoscaler))

    assert {role: _divided(made, autoscaler, role) for role in ("edge", "wsgi", "asgi")} == {
        "edge": {},
        "wsgi": {"tandem_wsgi_busy_pods": 0.7, "tandem_wsgi_queue_seconds_pods": 0.2},
        "asgi": {"tandem_asgi_connections_pods": 716},
    }


def _divided(made, autoscaler, role) -> dict[str, float]:
    if autoscaler == "hpa":
        spec = made["HorizontalPodAutoscaler", f"mysite-{role}"]["spec"]
        external = [each["external"] for each in spec["metrics"] if each["type"] == "External"]
        return {
            each["metric"]["name"]: int(each["target"]["averageValue"].rstrip("m")) / 1000
            for each in external
        }
    spec = made["ScaledObject", f"mysite-{role}"]["spec"]
    triggers = [each["metadata"] for each in spec["triggers"] if each["type"] == "prometheus"]
    pattern = r'max\((\S+)\{namespace="default",job="mysite"\}\)'
    names = [re.fullmatch(pattern, each["query"]) for each in triggers]
    return {
        name[1].replace(":", "_"): float(each["threshold"])
        for name, each in zip(names, triggers, strict=True)
        if name
    }


@pytest.mark.parametrize("autoscaler", ["hpa", "keda"])
def test_each_role_is_scaled_by_its_cpu_too(autoscaler) -> None:
    """The edge by nothing else: it queues no request."""
    made = objects(cluster(AUTOSCALER=autoscaler))
    kind = {"hpa": "HorizontalPodAutoscaler", "keda": "ScaledObject"}[autoscaler]
    for role in ("edge", "wsgi", "asgi"):
        spec = made[kind, f"mysite-{role}"]["spec"]
        first = (spec.get("metrics") or spec["triggers"])[0]
        assert (first["type"], "70" in json.dumps(first)) in [("Resource", True), ("cpu", True)]


def test_the_adapter_answers_by_the_names_that_are_asked_for() -> None:
    """The colons of a recorded name are not allowed there."""
    content = files(cluster(AUTOSCALER="hpa"))["prometheus/adapter-values.yml"].content
    pattern = re.search(r'matches: "(.+?)", as: "(.+?)"', content)
    assert pattern
    for rule in RULES.values():
        renamed = re.sub(pattern[1], pattern[2].replace("${1}", r"\1"), rule.record)
        assert renamed == rule.external
