"""The base and its overlays, as `kubectl kustomize` puts them together."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from django_tandem import output
from django_tandem.render import kubernetes
from unit.render.kubernetes.manifests import cluster

pytestmark = pytest.mark.processes


def built(directory: Path) -> dict[tuple[str, str], Any]:
    program = Path(sys.executable).with_name("kubectl")
    done = subprocess.run(
        [program, "kustomize", directory], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = yaml.safe_load_all(done.stdout)
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def test_the_base_has_every_object(tmp_path) -> None:
    """And a ConfigMap, whose name ends in a hash of its values."""
    output.write(kubernetes.render(cluster()), tmp_path)

    found = built(tmp_path / "base")
    (name,) = [name for kind, name in found if kind == "ConfigMap"]
    assert name.startswith("mysite-")
    assert found["ConfigMap", name]["data"] == {"DJANGO_SETTINGS_MODULE": "config.settings"}
    for role in ("edge", "wsgi", "asgi", "workers"):
        pod = found["Deployment", f"mysite-{role}"]["spec"]["template"]["spec"]
        assert {"configMapRef": {"name": name}} in pod["containers"][0]["envFrom"]


@pytest.mark.parametrize(
    ("overlay", "namespace"), [("production", "mysite"), ("staging", "mysite-staging")]
)
def test_an_overlay_chooses_the_namespace_and_the_tag(tmp_path, overlay, namespace) -> None:
    """Of each object, and in the queries of KEDA."""
    output.write(kubernetes.render(cluster(AUTOSCALER="keda")), tmp_path)

    found = built(tmp_path / "overlays" / overlay)
    scaled = found["ScaledObject", "mysite-asgi"]["spec"]["triggers"][1]["metadata"]["query"]
    images = {
        each["spec"]["template"]["spec"]["containers"][0]["image"]
        for (kind, _), each in found.items()
        if kind in ("Deployment", "Job")
    }
    assert {each["metadata"]["namespace"] for each in found.values()} == {namespace}
    assert images == {"registry.example.com/team/mysite:1"}
    assert scaled == f'max(tandem:asgi_connections:pods{{namespace="{namespace}",job="mysite"}})'


def test_staging_has_one_pod_of_each_role(tmp_path) -> None:
    """Production has two."""
    output.write(kubernetes.render(cluster()), tmp_path)

    for overlay, replicas in (("production", 2), ("staging", 1)):
        found = built(tmp_path / "overlays" / overlay)
        for role in ("edge", "wsgi", "asgi"):
            assert found["Deployment", f"mysite-{role}"]["spec"]["replicas"] == replicas
