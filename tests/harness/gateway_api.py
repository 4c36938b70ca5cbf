"""The Gateway API's choice among the rules of HTTPRoutes, and the same rules for Envoy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

# An HTTPRoute as it is in YAML.
HttpRoute = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One match of a rule: ``headers`` are its names in lower case, and their values."""

    kind: str
    path: str
    backend: str
    headers: dict[str, str] = field(default_factory=dict)
    rewrite: dict[str, str] | None = None
    removed: tuple[str, ...] = ()

    def holds_for(self, path: str, headers: dict[str, str]) -> bool:
        """Whether it matches a request for a path without its query."""
        if any(headers.get(name) != value for name, value in self.headers.items()):
            return False
        if self.kind == "Exact":
            return path == self.path
        prefix = self.path.rstrip("/")
        return path == prefix or path.startswith(f"{prefix}/")

    @property
    def precedence(self) -> tuple[bool, int, int]:
        """Its place among others, as the API has it: the smallest comes first."""
        return self.kind != "Exact", -len(self.path), -len(self.headers)

    def forwarded(self, path: str) -> str:
        """The path that the backend gets."""
        if self.rewrite is None:
            return path
        if self.rewrite["type"] == "ReplaceFullPath":
            return self.rewrite["replaceFullPath"]
        replacement = self.rewrite["replacePrefixMatch"].rstrip("/")
        return replacement + path.removeprefix(self.path.rstrip("/")) or "/"


def matches_of(routes: Sequence[HttpRoute]) -> list[Match]:
    """Return all matches of ``routes``, in the order of their precedence."""
    return sorted(_matches(routes), key=lambda match: match.precedence)


def _matches(routes: Sequence[HttpRoute]) -> Iterator[Match]:
    for route in routes:
        for rule in route["spec"]["rules"]:
            filters = {each["type"]: each for each in rule["filters"]}
            rewrite = filters.get("URLRewrite", {}).get("urlRewrite", {}).get("path")
            removed = filters["RequestHeaderModifier"]["requestHeaderModifier"]["remove"]
            for match in rule["matches"]:
                headers = {each["name"].lower(): each["value"] for each in match.get("headers", ())}
                yield Match(
                    kind=match["path"]["type"],
                    path=match["path"]["value"],
                    backend=rule["backendRefs"][0]["name"],
                    headers=headers,
                    rewrite=rewrite,
                    removed=tuple(removed),
                )


def chosen(matches: Sequence[Match], path: str, **headers: str) -> Match | None:
    """Return the match of a request among ``matches``, which are in the order of precedence."""
    return next((match for match in matches if match.holds_for(path, headers)), None)


def envoy_routes(matches: Sequence[Match]) -> list[dict[str, Any]]:
    """Return the same for a virtual host of Envoy, which takes the first route that matches."""
    return [_envoy_route(match) for match in matches]


def _envoy_route(match: Match) -> dict[str, Any]:
    found: dict[str, Any] = {
        "headers": [
            {"name": name, "string_match": {"exact": value}}
            for name, value in match.headers.items()
        ]
    }
    if match.kind == "Exact":
        found["path"] = match.path
    elif match.path == "/":
        found["prefix"] = "/"
    else:
        found["path_separated_prefix"] = match.path.rstrip("/")
    action: dict[str, Any] = {"cluster": match.backend, "timeout": "0s"}
    if match.rewrite and match.rewrite["type"] == "ReplaceFullPath":
        regex = {"google_re2": {}, "regex": "^/[^?]*"}
        action["regex_rewrite"] = {
            "pattern": regex,
            "substitution": match.rewrite["replaceFullPath"],
        }
    elif match.rewrite:
        # A prefix alone would leave two slashes, where it is replaced by one.
        regex = {"google_re2": {}, "regex": rf"^{match.path.rstrip('/')}/*"}
        replacement = match.rewrite["replacePrefixMatch"].rstrip("/") + "/"
        action["regex_rewrite"] = {"pattern": regex, "substitution": replacement}
    return {"match": found, "route": action, "request_headers_to_remove": list(match.removed)}
