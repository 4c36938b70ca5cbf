"""The gateway `direct`: pods without an edge, which trust nothing that only an edge may send."""

import kubernetes_validate
import pytest

from builders import plan, verdict, websocket
from django_tandem.errors import SettingError
from django_tandem.model import Autoscaler, PathMatch, Stack, StaticFiles
from django_tandem.render import kubernetes
from harness.schemas import schema_errors
from unit.render.kubernetes.manifests import PEERS, cluster, containers, files, objects

OTHERS = {"HTTPRoute", "ScaledObject", "PodMonitor", "PrometheusRule"}


def direct(**choices):
    return cluster(GATEWAY="direct", **{"PARENT": "gateways/public", **choices})


@pytest.mark.parametrize("autoscaler", Autoscaler)
def test_each_object_is_valid(autoscaler) -> None:
    """To the schemas of the API server."""
    made = objects(direct(AUTOSCALER=autoscaler.value))
    own = [each for each in made.values() if each["kind"] not in OTHERS]

    for each in own:
        kubernetes_validate.validate(each, "1.31", strict=True)
    assert {each["kind"] for each in own} >= {"Deployment", "Service", "NetworkPolicy", "Job"}


@pytest.mark.processes
def test_the_httproutes_are_valid(tmp_path) -> None:
    """To the schema of the Gateway API, also where there are many."""
    pins = [(f"/mcp{n}/", "asgi", {"STRIP": True}) for n in range(20)]
    made = objects(cluster(GATEWAY="direct", PARENT="public", tandem={"ROUTES": pins}))
    routes = [each for (kind, _), each in made.items() if kind == "HTTPRoute"]

    assert [each["metadata"]["name"] for each in routes] == ["mysite", "mysite-2"]
    assert schema_errors(routes, tmp_path) == ""


def test_there_is_no_edge() -> None:
    """The Gateway has its own pods."""
    made = files(direct())

    assert "base/edge.yaml" not in made
    assert "base/route.yaml" in made


def test_the_pods_have_no_secret_and_trust_no_edge() -> None:
    """A stack with a secret would reject each request of the Gateway."""
    made = direct()

    assert [each for each in containers(made).values() if "env" in each] == []
    assert "TANDEM_GATEWAY=direct" in files(made)["base/kustomization.yaml"].content
    assert "TANDEM_GATEWAY" not in files(cluster())["base/kustomization.yaml"].content
    assert "TANDEM_SECRET" not in "".join(file.content for file in files(made).values())


@pytest.mark.parametrize(
    ("parent", "source"),
    [
        (
            "gateways/public",
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}},
        ),
        ("public", {"podSelector": {}}),
    ],
)
def test_the_namespace_of_the_gateway_reaches_the_stacks(parent, source) -> None:
    """Anything else in the cluster would pass for it."""
    made = objects(direct(PARENT=parent))

    for stack in Stack:
        (rule,) = [
            each
            for each in made["NetworkPolicy", f"mysite-{stack}"]["spec"]["ingress"]
            if each["ports"] == [{"port": "http"}]
        ]
        assert rule["from"] == [source]


def test_the_services_name_their_protocol() -> None:
    """A Gateway balances the requests itself, and upgrades those to ASGI."""
    made = objects(direct())

    ports = {name: made["Service", name]["spec"]["ports"][0] for name in ("wsgi", "asgi")}
    assert ports["asgi"]["appProtocol"] == "kubernetes.io/ws"
    assert "appProtocol" not in ports["wsgi"]
    assert "clusterIP" not in made["Service", "asgi"]["spec"]


def test_no_autoscaler_waits_for_a_metric_of_the_edge() -> None:
    """One that is missing would keep it from removing pods."""
    assert "queue" not in str(objects(direct(AUTOSCALER="keda", POD_MONITOR=True)))
    assert "queue" in str(objects(cluster(AUTOSCALER="keda", POD_MONITOR=True)))


def test_a_gateway_has_to_be_named() -> None:
    """Nothing else would route to the stacks."""
    with pytest.raises(SettingError) as caught:
        files(cluster(GATEWAY="direct"))

    assert str(caught.value) == (
        'TANDEM["KUBERNETES"]["GATEWAY"] is direct, and PARENT names no Gateway.\n'
        '  Name it, such as "PARENT": "gateways/public".'
    )


def test_the_notes_report_what_was_widened() -> None:
    """And what the edge alone serves."""
    match = PathMatch(pcre=r"^/news/[a-z]+/\z", prefix="/news/")
    given = {
        "STOP_S": 20,
        "STOP_DELAY_S": 5,
        "PEERS": PEERS,
        "KUBERNETES": {"IMAGE": "mysite", "GATEWAY": "direct"},
    }
    made = plan(
        websocket("/ws/"),
        verdict("/news/<slug>/", Stack.ASGI, match=match),
        tandem=given,
        static=StaticFiles(prefix="/static/", directory="/srv/static"),
    )

    assert list(kubernetes.TARGET.notes(made)) == [
        "Rules for ASGI: 1, of which 0 exact and 1 widened. ASGI also serves 0 of the 0 routes of "
        "WSGI.",
        "  /news/<slug>/ is widened to /news.",
        "Nothing serves /static/ without the edge: use WhiteNoise, or a store of files with a "
        "separate URL.",
    ]


def test_a_note_names_the_proxies_to_trust() -> None:
    """A Gateway ends TLS in front of most edges, and nothing else shows what is missing."""
    trusted = cluster(tandem={"EDGE": {"TRUSTED_PROXIES": ["10.244.0.0/16"]}})

    assert list(kubernetes.TARGET.notes(trusted)) == []
    assert list(kubernetes.TARGET.notes(cluster())) == [
        'TANDEM["EDGE"]["TRUSTED_PROXIES"] is empty: behind a Gateway or an Ingress that ends TLS, '
        "every request is plain HTTP to Django, and its CSRF check rejects forms. Name the network "
        "of its pods."
    ]
