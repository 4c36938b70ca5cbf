"""The gateway `direct`: pods without an edge, which trust nothing that only an edge may send."""

import re

import kubernetes_validate
import pytest
import yaml

from builders import plan, verdict, websocket
from django_tandem.errors import SettingError
from django_tandem.model import Autoscaler, PathMatch, Plan, Stack, StaticFiles
from django_tandem.render import kubernetes
from django_tandem.render.kubernetes.application import Parent
from django_tandem.render.kubernetes.lowering import lower
from django_tandem.render.kubernetes.routes import REMOVED_HEADERS, BackendRef, render_routes
from harness.gateway_api import HttpRoute, chosen, matches_of
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


# As in the schema of the Gateway API.
VALID_PATH = re.compile(r"/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*")
FORBIDDEN = re.compile(r"//|/\./|/\.\./|%2[fF]|#|/\.\.\Z|/\.\Z")
BACKENDS = {
    Stack.WSGI: BackendRef(name="wsgi", port=9000, timeout_s=30),
    Stack.ASGI: BackendRef(name="asgi", port=9001),
}


def _yaml(made: Plan, **changes) -> str:
    given = {"name": "shop", "labels": {}, "parent": Parent(name="public"), "hosts": ()}
    return render_routes(lower(made).matches, backends=BACKENDS, **{**given, **changes})


def _routes(made: Plan) -> list[HttpRoute]:
    return list(yaml.safe_load_all(_yaml(made)))


def _large() -> Plan:
    slug = r"[a-z]+/\z"
    return plan(
        *(verdict(f"/a{n}/", Stack.ASGI) for n in range(200)),
        *(verdict(f"/b{n}/new/") for n in range(70)),
        *(
            verdict(
                f"/b{n}/<slug>/",
                Stack.ASGI,
                match=PathMatch(pcre=f"^/b{n}/{slug}", prefix=f"/b{n}/"),
            )
            for n in range(40)
        ),
        tandem={"ROUTES": [(f"/strip{n}/", "asgi", {"STRIP": True}) for n in range(20)]},
    )


def test_an_httproute_is_small_enough_for_every_version() -> None:
    """Sixteen rules of eight matches each; a rule with more is invalid before version 1.2."""
    routes = _routes(_large())

    assert [len(route["spec"]["rules"]) for route in routes][:-1] == [16] * (len(routes) - 1)
    rules = [rule for route in routes for rule in route["spec"]["rules"]]
    assert len(routes[-1]["spec"]["rules"]) <= 16
    assert max(len(rule["matches"]) for rule in rules) == 8


def test_no_match_is_lost_between_the_rules() -> None:
    """Each is in one rule of one HTTPRoute, and the names of these differ."""
    made = _large()
    routes = _routes(made)

    found = [(each.path, each.kind, tuple(each.headers.values())) for each in matches_of(routes)]
    wanted = [
        (
            each.path.path,
            "PathPrefix" if each.path.is_prefix else "Exact",
            (each.upgrade,) if each.upgrade else (),
        )
        for each in lower(made).matches
    ]
    assert sorted(found) == sorted(wanted)
    assert len(set(found)) == len(found)
    assert [route["metadata"]["name"] for route in routes][:2] == ["shop", "shop-2"]


def test_each_path_is_valid() -> None:
    """By the rules of the schema, which a cluster checks when it is applied."""
    odd = [verdict(path, Stack.ASGI) for path in ("/a//b", "/é/", "/a/../b", "/x y/", "/@/")]
    paths = [match.path for made in (_large(), plan(*odd)) for match in matches_of(_routes(made))]

    assert [path for path in paths if not VALID_PATH.fullmatch(path)] == []
    assert [path for path in paths if FORBIDDEN.search(path)] == []
    assert max(map(len, paths)) <= 1024


def test_a_prefix_is_replaced_in_a_rule_of_one_match() -> None:
    """The API allows no other match beside it."""
    pins = [("/mcp/", "asgi", {"STRIP": True}), ("/up/", "asgi", {"STRIP": True})]
    routes = _routes(plan(tandem={"ROUTES": pins}))

    rules = [rule for rule in routes[0]["spec"]["rules"] if len(rule["filters"]) > 1]
    assert [[match["path"]["value"] for match in rule["matches"]] for rule in rules] == [
        ["/mcp"],
        ["/up"],
    ]
    found = chosen(matches_of(routes), "/mcp/tools/list")
    assert found is not None
    assert (found.backend, found.forwarded("/mcp/tools/list")) == ("asgi", "/tools/list")


def test_the_headers_that_only_the_edge_may_send_are_removed() -> None:
    """A filter removes sixteen at most."""
    rules = _routes(plan(verdict("/feed/", Stack.ASGI)))[0]["spec"]["rules"]

    removed = {tuple(rule["filters"][0]["requestHeaderModifier"]["remove"]) for rule in rules}
    assert removed == {REMOVED_HEADERS}
    assert {"X-Real-Ip", "X-Tandem-Handed", "Forwarded", "Daphne-Root-Path"} <= {*REMOVED_HEADERS}
    assert len(REMOVED_HEADERS) <= 16


def test_a_request_to_asgi_may_take_any_time() -> None:
    """A gateway's own timeout, of fifteen seconds in Envoy, would end each stream."""
    rules = _routes(plan(verdict("/feed/", Stack.ASGI)))[0]["spec"]["rules"]

    timeouts = {rule["backendRefs"][0]["name"]: rule["timeouts"]["request"] for rule in rules}
    assert timeouts == {"wsgi": "30s", "asgi": "0s"}


def test_the_httproute_of_a_small_project() -> None:
    """Whole, as a reviewer of manifests reads it."""
    made = plan(websocket("/ws/"), verdict("/feed/", Stack.ASGI))
    removed = ", ".join(f'"{name}"' for name in REMOVED_HEADERS)
    filters = f"""\
      filters:
        - type: RequestHeaderModifier
          requestHeaderModifier:
            remove: [{removed}]
"""

    assert _yaml(
        made,
        labels={"app.kubernetes.io/name": "shop"},
        parent=Parent(name="public", namespace="gateways"),
        hosts=("shop.example",),
    ) == (
        f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: "shop"
  labels:
    app.kubernetes.io/name: "shop"
spec:
  parentRefs:
    - name: "public"
      namespace: "gateways"
  hostnames: ["shop.example"]
  rules:
    - matches:
        - path: {{type: PathPrefix, value: "/"}}
{filters}      backendRefs:
        - {{name: "wsgi", port: 9000}}
      timeouts: {{request: 30s}}
    - matches:
        - path: {{type: Exact, value: "/feed/"}}
        - path: {{type: PathPrefix, value: "/"}}
          headers: [{{name: Upgrade, value: "websocket"}}]
        - path: {{type: PathPrefix, value: "/"}}
          headers: [{{name: Upgrade, value: "WebSocket"}}]
{filters}      backendRefs:
        - {{name: "asgi", port: 9001}}
      # A stream has no end.
      timeouts: {{request: 0s}}
"""
    )
