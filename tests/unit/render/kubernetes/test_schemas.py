"""What is no kind of Kubernetes itself is valid by the schemas of the project that defines it."""

import copy

import pytest

from harness.schemas import schema_errors
from unit.render.kubernetes.manifests import cluster, objects

pytestmark = pytest.mark.processes

OTHERS = {"HTTPRoute", "ScaledObject", "PodMonitor", "PrometheusRule"}


def others() -> list[dict]:
    made = objects(cluster(AUTOSCALER="keda", POD_MONITOR=True, PARENT="gateways/public"))
    return [each for (kind, _), each in made.items() if kind in OTHERS]


def test_each_object_of_another_project_is_valid(tmp_path) -> None:
    """Its values by the validators, its fields by the types."""
    found = others()

    assert {each["kind"] for each in found} == OTHERS
    assert schema_errors(found, tmp_path) == ""


def test_a_wrong_value_and_an_unknown_field_are_errors(tmp_path) -> None:
    """So that the test above finds them."""
    (route,) = [each for each in others() if each["kind"] == "HTTPRoute"]
    wrong, unknown = copy.deepcopy(route), copy.deepcopy(route)
    wrong["spec"]["hostnames"] = ["~shop"]
    unknown["spec"]["rules"][0]["timeout"] = "0s"

    found = schema_errors([wrong, unknown], tmp_path)
    assert "hostnames/0 must match pattern" in found
    assert "'\"timeout\"' does not exist in type" in found
