"""The files of the target: stable, valid, and overlays that their owners keep."""

import kubernetes_validate
import pytest
import yaml

from django_tandem import output
from django_tandem.model import Autoscaler
from django_tandem.render import kubernetes
from unit.render.kubernetes.manifests import cluster, files, objects

EVERY_CHOICE = [
    {"AUTOSCALER": autoscaler.value, "POD_MONITOR": monitored, "PARENT": "gateways/public"}
    for autoscaler in Autoscaler
    for monitored in (False, True)
]
# What the API server itself knows; the others have a schema in test_schemas.
BUILT_IN = {
    *("Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "Job"),
    "HorizontalPodAutoscaler",
}


@pytest.mark.parametrize("choices", EVERY_CHOICE, ids=str)
def test_each_object_is_valid(choices) -> None:
    """To the schemas of the API server, in which an unknown field is an error."""
    found = [each for (kind, _), each in objects(cluster(**choices)).items() if kind in BUILT_IN]

    assert len(found) > len(BUILT_IN)
    for each in found:
        kubernetes_validate.validate(each, "1.31", strict=True)


def test_the_base_alone_is_written_for_most() -> None:
    """What needs more than Kubernetes itself is a choice."""
    assert list(files(cluster())) == [
        "base/kustomization.yaml",
        "base/edge.yaml",
        "base/wsgi.yaml",
        "base/asgi.yaml",
        "base/workers.yaml",
        "base/migrate.yaml",
        "overlays/production/kustomization.yaml",
        "overlays/staging/kustomization.yaml",
    ]


def test_the_kustomization_lists_every_file_of_the_base() -> None:
    """Each is a resource."""
    for choices in EVERY_CHOICE:
        found = files(cluster(**choices))
        listed = yaml.safe_load(found["base/kustomization.yaml"].content)["resources"]
        names = [name.removeprefix("base/") for name in found if name.startswith("base/")]
        assert ["kustomization.yaml", *listed] == names


def test_no_file_names_the_machine_or_the_secret() -> None:
    """What is committed is the same wherever it was rendered."""
    tandem = {"PEERS": {"WSGI": ["wsgi:9000"], "ASGI": ["asgi:9001"], "SECRET": "s" * 40}}
    for file in kubernetes.render(cluster(AUTOSCALER="keda", POD_MONITOR=True, tandem=tandem)):
        assert "/srv/project" not in file.content
        assert "/venv" not in file.content
        assert "s" * 40 not in file.content


def test_an_overlay_is_kept_once_it_is_there(tmp_path) -> None:
    """The base is written again."""
    output.write(kubernetes.render(cluster()), tmp_path)
    overlay = tmp_path / "overlays" / "production" / "kustomization.yaml"
    overlay.write_text("namespace: shop\n")
    (tmp_path / "base" / "edge.yaml").write_text("")

    written = output.write(kubernetes.render(cluster()), tmp_path)

    assert written == ["base/edge.yaml"]
    assert overlay.read_text() == "namespace: shop\n"
    assert output.diff(kubernetes.render(cluster()), tmp_path) == ""


def test_requests_enter_by_the_gateway_that_is_named() -> None:
    """Without PARENT there is no HTTPRoute: an Ingress or a load balancer may send them too."""
    found = objects(cluster(PARENT="gateways/public"))["HTTPRoute", "mysite"]["spec"]

    assert found["parentRefs"] == [{"name": "public", "namespace": "gateways"}]
    assert found["rules"][0]["backendRefs"] == [{"name": "mysite-edge", "port": 80}]
    assert ("HTTPRoute", "mysite") not in objects(cluster())


@pytest.mark.parametrize(
    ("names", "hosts"),
    [
        ([], None),
        (["shop.example", "*.shop.example"], ["shop.example", "*.shop.example"]),
        ([".shop.example"], ["shop.example", "*.shop.example"]),
        (["shop.example", r"~^\d+\.shop\.example$"], None),
        (["shop.*"], None),
    ],
)
def test_the_route_has_the_names_of_the_edge(names, hosts) -> None:
    """Any, where one of them is a pattern that a Gateway does not have."""
    made = cluster(PARENT="public", tandem={"EDGE": {"SERVER_NAMES": names}})

    assert objects(made)["HTTPRoute", "mysite"]["spec"].get("hostnames") == hosts
