"""
Run the tests of channels_redis on its layers, and with RedisLayer instead of both.

`make test-layers` calls it. There is no other suite for channel layers. A test that RedisLayer does
not pass is named in NOT_APPLICABLE with the reason; any other failure is one.
"""

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

from harness import sdist
from harness.valkey import valkey

FILES = ("test_core.py", "test_pubsub.py")
PACKAGES = ("pytest-asyncio", "async-timeout")

_INTERNALS = "of internals of channels_redis"
NOT_APPLICABLE = {
    "test_core::test_double_receive": "a channel belongs to the event loop that made it",
    "test_core::test_random_reset__client_prefix": _INTERNALS,
    "test_core::test_default_group_key_format": _INTERNALS,
    "test_core::test_custom_group_key_format": _INTERNALS,
    "test_core::test_receive_buffer_respects_capacity": _INTERNALS,
    "test_pubsub::test_loop_instance_channel_layer_reference": _INTERNALS,
    "test_pubsub::test_multi_event_loop_garbage_collection": _INTERNALS,
    "test_pubsub::test_auto_reconnect": f"{_INTERNALS}; test_subscriptions.py restarts a server",
    "test_pubsub::test_receive_on_non_owned_general_channel": "its message is a text, not a dict",
}
# It passes or not: group_send returns when Redis has the message, and capacity is counted when it
# arrives, which here is after the messages before it were received.
RACES = {"test_core::test_group_send_capacity": "a message counts when it arrives"}


def outcomes(layer: str, url: str, tests: Path, packages: Path) -> dict[str, str]:
    """Run the suite on ``layer``, "stock" or "ours"; return the outcome of each test."""
    with tempfile.TemporaryDirectory(prefix="layers-") as scratch:
        report = Path(scratch, "report.xml")
        paths = [str(packages), str(Path(__file__).parent)]
        environ = {
            **os.environ,
            "LAYER": layer,
            "LAYER_URL": url,
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        plugins = ("-p", "pytest_asyncio.plugin", "-p", "layer_plugin", "-p", "no:cacheprovider")
        options = ("-q", "-o", "asyncio_mode=auto", "-o", "addopts=", f"--junit-xml={report}")
        argv = [sys.executable, "-m", "pytest", *plugins, *options, *FILES]
        subprocess.run(argv, cwd=tests, env=environ, check=False)
        return dict(_outcome(case) for case in ElementTree.parse(report).iter("testcase"))


def _outcome(case: ElementTree.Element) -> tuple[str, str]:
    module = case.get("classname", "").rpartition(".")[2]
    kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
    return f"{module}::{case.get('name')}", kinds.pop() if kinds else "passed"


def installed() -> Path:
    """Return where the packages are that the suite needs beside ours."""
    target = sdist.BUILD / "layer-suite" / "packages"
    if not (target / "pytest_asyncio").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--target", str(target), *PACKAGES], check=True)
    return target


def main() -> int:
    """Print what each layer fails, and return 1 for what RedisLayer fails and should not."""
    source = sdist.unpacked("channels_redis", version("channels_redis"), "layer-suite")
    packages = installed()
    failures = []
    for layer in ("stock", "ours"):
        with tempfile.TemporaryDirectory(prefix="layers-") as scratch, valkey(Path(scratch)) as run:
            found = outcomes(layer, run.url, source / "tests", packages)
        bad = sorted(name for name, each in found.items() if each in ("failure", "error"))
        print(f"{layer:>5}: {len(found)} run, {len(bad)} failed", flush=True)
        if layer == "ours":
            known = NOT_APPLICABLE | RACES
            failures = [name for name in bad if name.partition("[")[0] not in known]
            stale = [name for name in NOT_APPLICABLE if found.get(name) == "passed"]
            failures += [f"{name} passes, and is named as not applicable" for name in stale]
            for name in bad:
                print(f"       {name}: {known.get(name.partition('[')[0], 'FAILED')}")
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
