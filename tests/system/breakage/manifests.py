"""Breakages of the manifests for Kubernetes: their numbers, their restrictions, their owners."""

from breakage.mutant import Mutant

UNIT = "tests/unit/render/kubernetes"
SCALING = f"{UNIT}/test_autoscaling.py"
WORKLOADS = f"{UNIT}/test_workloads.py"
FILES = f"{UNIT}/test_files.py"

MUTANTS = (
    Mutant(
        name="average that is not multiplied by the pods",
        file="render/kubernetes/autoscaling.py",
        old='expr=f"{_pods(app, Stack.WSGI)} * {busy} / {workers}"',
        new='expr=f"{busy} / {workers}"',
        tests=(f"{SCALING}::test_prometheus_records_the_metric_of_all_pods_together",),
    ),
    Mutant(
        name="rule that is no number while no request comes",
        file="render/kubernetes/autoscaling.py",
        old='({requests} > 0) or {pods} * 0"',
        new='{requests}"',
        tests=(f"{SCALING}::test_prometheus_records_the_metric_of_all_pods_together",),
    ),
    Mutant(
        name="target of the busy share that leaves no room",
        file="render/kubernetes/autoscaling.py",
        old="BUSY_SHARE = 0.7",
        new="BUSY_SHARE = 1.4",
        tests=(f"{SCALING}::test_pods_follow_the_requests",),
    ),
    Mutant(
        name="bounds of connections of the machine that renders",
        file="plan/kubernetes.py",
        old="replace(context.host, cpus=POD_CPUS, memory_mb=POD_MEMORY_MB)",
        new="context.host",
        tests=(f"{SCALING}::test_the_bounds_of_connections_are_those_of_a_pod",),
    ),
    Mutant(
        name="two schedulers side by side",
        file="render/kubernetes/workloads.py",
        old="is_exclusive=any(process.exclusive for process in app.plan.processes)",
        new="is_exclusive=False",
        tests=(f"{WORKLOADS}::test_pods_are_replaced_without_a_gap",),
    ),
    Mutant(
        name="grace period that ends before the stop",
        file="render/kubernetes/application.py",
        old="math.ceil(end_s(plan.stop_s)) + MARGIN_S",
        new="MARGIN_S",
        tests=(f"{WORKLOADS}::test_a_stop_has_the_time_of_the_settings",),
    ),
    Mutant(
        name="Service whose port no pod listens on",
        file="render/kubernetes/workloads.py",
        old="if bind.is_loopback or bind.port != peer.port:",
        new="if bind.is_loopback:",
        tests=(f"{UNIT}/test_refusals.py",),
    ),
    Mutant(
        name="overlay that is written again",
        file="output.py",
        old="found is None if file.is_kept else found != file.content",
        new="found != file.content",
        tests=(f"{FILES}::test_an_overlay_is_kept_once_it_is_there",),
    ),
)
