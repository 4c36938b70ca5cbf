"""The HTTPRoutes hold all matches, and each of them is within the limits of the Gateway API."""

import re

import yaml

from builders import plan, verdict, websocket
from django_tandem.model import PathMatch, Plan, Stack
from django_tandem.render.kubernetes.application import Parent
from django_tandem.render.kubernetes.direct import (
    REMOVED_HEADERS,
    BackendRef,
    render_routes,
)
from django_tandem.render.kubernetes.lowering import lower
from harness.gateway_api import HttpRoute, chosen, matches_of

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
