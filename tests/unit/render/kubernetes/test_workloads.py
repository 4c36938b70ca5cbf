"""The pods of each role: what they run, how they are probed, stopped and replaced."""

import pytest

from django_tandem.model import Autoscaler
from unit.render.kubernetes.manifests import cluster, containers, files, objects

ROLES = ("edge", "wsgi", "asgi", "workers")


def test_each_role_runs_in_pods_of_its_own() -> None:
    """Its container executes the one role."""
    found = containers(cluster())

    assert found.keys() == {*(f"mysite-{role}" for role in ROLES), "mysite-migrate"}
    for role in ROLES:
        command = " ".join(found[f"mysite-{role}"]["command"])
        assert command.startswith(f"tandem up --role {role} --run-dir /run/tandem")


def test_what_has_no_work_has_no_pods() -> None:
    """A project without WebSockets, and one without Channels workers and PROGRAMS."""
    tandem = {"CHANNEL_WORKERS": []}

    assert "mysite-workers" not in containers(cluster(programs=False, tandem=tandem))


def test_pods_are_replaced_without_a_gap() -> None:
    """The next is ready before one ends; of PROGRAMS, no two run side by side."""
    found = objects(cluster())
    strategies = {role: found["Deployment", f"mysite-{role}"]["spec"]["strategy"] for role in ROLES}

    rolling = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert strategies == {
        "edge": rolling,
        "wsgi": rolling,
        "asgi": rolling,
        "workers": {"type": "Recreate"},
    }


def test_channels_workers_alone_may_run_side_by_side() -> None:
    """Each message has one receiver."""
    made = objects(cluster(programs=False))

    assert made["Deployment", "mysite-workers"]["spec"]["strategy"] == {
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}
    }


def test_a_stop_has_the_time_of_the_settings() -> None:
    """STOP_S from SIGTERM, and a margin before SIGKILL."""
    made = objects(cluster(tandem={"STOP_S": 40}))
    periods = {
        name: each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        for (kind, name), each in made.items()
        if kind == "Deployment"
    }

    assert periods == {f"mysite-{role}": 47 for role in ROLES}


def test_the_edge_is_stopped_before_sigterm() -> None:
    """SIGTERM would end NGINX with the requests in flight; the stacks drain without it."""
    found = containers(cluster())

    assert found["mysite-edge"]["lifecycle"] == {
        "preStop": {"exec": {"command": ["tandem", "down", "--run-dir", "/run/tandem"]}}
    }
    assert not any("lifecycle" in found[f"mysite-{role}"] for role in ROLES[1:])


def test_the_edge_has_a_disk_for_large_bodies() -> None:
    """In memory, a download of a slow client would be cut at the limit of the volume."""
    made = cluster()
    volumes = {
        role: {
            each["name"]: each.get("emptyDir")
            for each in objects(made)["Deployment", f"mysite-{role}"]["spec"]["template"]["spec"][
                "volumes"
            ]
        }
        for role in ROLES
    }
    edge = containers(made)["mysite-edge"]

    at = edge["command"].index("--temp-dir")
    assert edge["command"][at + 1] == "/var/tmp/tandem"
    assert {"name": "temp", "mountPath": "/var/tmp"} in edge["volumeMounts"]
    assert volumes["edge"]["temp"] == {"sizeLimit": "10Gi"}
    assert volumes["edge"]["run"]["medium"] == "Memory"
    assert not any("temp" in volumes[role] for role in ROLES[1:])


def test_a_pod_that_is_not_ready_may_be_evicted() -> None:
    """Its node could not be drained otherwise, with no pod of the role ready."""
    made = objects(cluster())
    for role in ROLES[:3]:
        budget = made["PodDisruptionBudget", f"mysite-{role}"]["spec"]
        assert budget["maxUnavailable"] == 1
        assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@pytest.mark.parametrize(
    ("networks", "text"),
    [
        ([], 'name the network of its pods in\n  # TANDEM["EDGE"]["TRUSTED_PROXIES"]'),
        (["10.244.0.0/16"], 'trusted from\n  # "10.244.0.0/16", as TANDEM["EDGE"]'),
    ],
)
def test_the_service_of_the_edge_names_who_is_trusted(networks, text) -> None:
    """A Gateway that is not trusted leaves Django with plain HTTP, and its forms fail."""
    made = files(cluster(tandem={"EDGE": {"TRUSTED_PROXIES": networks}}))

    assert text in made["base/edge.yaml"].content
    assert "TRUSTED_PROXIES" not in made["base/wsgi.yaml"].content


@pytest.mark.parametrize("role", ["edge", "wsgi", "asgi"])
def test_the_kubelet_probes_what_serves(role) -> None:
    """On the port of HEALTH."""
    found = containers(cluster(tandem={"HEALTH": ":9100"}))[f"mysite-{role}"]
    paths = {
        name: found[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")
    }

    assert {"name": "health", "containerPort": 9100} in found["ports"]
    assert paths == {
        "startup": {"path": "/startupz", "port": "health"},
        "liveness": {"path": "/livez", "port": "health"},
        "readiness": {"path": "/readyz", "port": "health"},
    }


def test_a_stack_has_the_name_and_the_port_of_its_peer() -> None:
    """The edge proxies to it by that name, and gets the addresses of all pods."""
    peers = {"WSGI": ["sync.mysite.svc.cluster.local:9100"], "ASGI": ["live:9101"]}
    tandem = {
        "PEERS": {**peers, "SECRET": "s" * 32},
        "WSGI": {"BIND": ":9100"},
        "ASGI": {"BIND": ":9101"},
    }
    made = objects(cluster(tandem=tandem))

    for name, role, port in (("sync", "wsgi", 9100), ("live", "asgi", 9101)):
        service = made["Service", name]["spec"]
        ports = made["Deployment", f"mysite-{role}"]["spec"]["template"]["spec"]["containers"][0]
        assert service["clusterIP"] == "None"
        assert service["ports"] == [{"name": "http", "port": port, "targetPort": "http"}]
        assert {"name": "http", "containerPort": port} in ports["ports"]


def test_an_autoscaler_owns_the_number_of_pods() -> None:
    """An apply would set it back."""
    by_hand, scaled = objects(cluster()), objects(cluster(AUTOSCALER="hpa"))
    for role in ROLES[:3]:
        assert by_hand["Deployment", f"mysite-{role}"]["spec"]["replicas"] == 2
        assert "replicas" not in scaled["Deployment", f"mysite-{role}"]["spec"]
    assert scaled["Deployment", "mysite-workers"]["spec"]["replicas"] == 1


@pytest.mark.parametrize("autoscaler", list(Autoscaler))
def test_only_the_edge_reaches_the_stacks(autoscaler) -> None:
    """And the edge reaches the stacks and the DNS alone: no database."""
    made = objects(cluster(AUTOSCALER=autoscaler))
    labels = {
        role: {"app.kubernetes.io/name": "mysite", "app.kubernetes.io/component": role}
        for role in ROLES
    }
    for role in ("wsgi", "asgi"):
        policy = made["NetworkPolicy", f"mysite-{role}"]["spec"]
        http = next(each for each in policy["ingress"] if {"port": "http"} in each["ports"])
        assert policy["podSelector"] == {"matchLabels": labels[role]}
        assert http["from"] == [{"podSelector": {"matchLabels": labels["edge"]}}]

    egress = made["NetworkPolicy", "mysite-edge"]["spec"]["egress"]
    assert egress[0]["to"] == [
        {"podSelector": {"matchLabels": labels[role]}} for role in ("wsgi", "asgi")
    ]
    assert egress[1:] == [
        {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    ]


def test_no_pod_of_the_workers_is_reached() -> None:
    """Without METRICS, nothing is."""
    made = objects(cluster(tandem={"METRICS": None}))

    assert made["NetworkPolicy", "mysite-workers"]["spec"]["ingress"] == []


def test_the_secret_is_a_reference() -> None:
    """A pod without it does not start."""
    for container in containers(cluster()).values():
        assert container["env"] == [
            {
                "name": "TANDEM_SECRET",
                "valueFrom": {"secretKeyRef": {"name": "mysite", "key": "TANDEM_SECRET"}},
            }
        ]


def test_certificates_are_mounted_where_the_settings_name_them() -> None:
    """With TLS there is no secret."""
    names = {"CERTIFICATE": "tls.crt", "KEY": "tls.key", "CA": "ca.crt"}
    tls = {key: f"/etc/tandem/{name}" for key, name in names.items()}
    made = cluster(tandem={"PEERS": {**PEERS_TLS, "TLS": {**tls, "NAME": "stacks"}}})

    for name, container in containers(made).items():
        assert "env" not in container
        assert {"name": "peers", "mountPath": "/etc/tandem", "readOnly": True} in container[
            "volumeMounts"
        ], name


PEERS_TLS = {"WSGI": ["wsgi:9000"], "ASGI": ["asgi:9001"]}
