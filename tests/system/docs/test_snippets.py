"""Every piece of code and configuration in the docs is read by what it is meant for."""

import ast
import configparser
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import crossplane
import pytest
import yaml
from docs.blocks import PAGES, ROOT, Block, blocks, every_block

from builders import host
from django_tandem import output
from django_tandem.cli import parser
from django_tandem.handler.pools import IO_THREADS, MAX_THREADS
from django_tandem.monitor.history import HistoryWriter
from django_tandem.plan.capacity import auto_asgi, auto_wsgi
from django_tandem.render import kubernetes
from django_tandem.settings import AsgiSettings, EdgeSettings, WsgiSettings, read_settings
from unit.render.kubernetes.manifests import cluster

# `json` and `text` have no further reader.
LANGUAGES = {
    "bash",
    "console",
    "dockerfile",
    "ini",
    "json",
    "nginx",
    "python",
    "sql",
    "text",
    "yaml",
}
GROUPS = {"WSGI": WsgiSettings, "ASGI": AsgiSettings, "EDGE": EdgeSettings}
# What settings.py has by then, and what a page takes from elsewhere.
BEFORE: dict[str, Any] = {"BASE_DIR": Path("/srv/mysite"), "INSTALLED_APPS": []}


def _named(found: list[Block]) -> Any:
    return pytest.mark.parametrize("block", found, ids=str)


def test_no_block_is_in_a_language_that_is_not_read() -> None:
    """A new one needs a reader here."""
    found = {block.language for page in PAGES for block in blocks(page)}

    assert found <= LANGUAGES


@_named(every_block("python"))
def test_python_is_python(block) -> None:
    """And a TANDEM setting in it is one that is taken."""
    assert ast.parse(block.text).body
    if "TANDEM = " not in block.text:
        return

    given = dict(BEFORE)
    exec(block.text, given)
    assert read_settings(given["TANDEM"])


def test_what_the_pages_import_is_there() -> None:
    """Every name that a block imports, but from the reader's own project."""
    wanted = sorted(
        {(node.module, alias.name) for node in _imports() for alias in node.names if node.module}
    )
    script = Path(__file__).with_name("importing.py")
    done = subprocess.run(
        [sys.executable, str(script), json.dumps(wanted)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"},
    )

    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def _imports() -> list[ast.ImportFrom]:
    own = ("mysite", "notes", "auctions")
    trees = [ast.parse(block.text) for block in every_block("python")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    found = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return [node for node in found if (node.module or "").partition(".")[0] not in own]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_an_option_that_is_named_is_there(page) -> None:
    """As in `EDGE["MAX_BODY"]`, with TANDEM in front or without."""
    for group, key in re.findall(r'\b(WSGI|ASGI|EDGE)"?\]?\["(\w+)"\]', page.read_text()):
        assert key.lower() in GROUPS[group].__dataclass_fields__, f'{group}["{key}"]'


@_named(every_block("nginx"))
def test_nginx_configuration_is_parsed(block, tmp_path) -> None:
    """As it would stand in a server block."""
    path = tmp_path / "nginx.conf"
    path.write_text(f"events {{}}\nhttp {{ server {{\n{block.text}\n}} }}\n")

    assert crossplane.parse(str(path), strict=True)["errors"] == []


@_named(every_block("ini"))
def test_units_and_supervisors_files_are_parsed(block, tmp_path) -> None:
    """Each section, each key once; a drop-in of a unit by systemd itself."""
    read = configparser.ConfigParser(interpolation=None)
    read.read_string(block.text)

    commands = [read[name] for name in read.sections() if name.startswith("program:")]
    assert all(each["command"] for each in commands)
    if "Service" in read:
        unit = tmp_path / "documented.service"
        unit.write_text("[Service]\nExecStart=/bin/true\n")
        drop_in = tmp_path / "documented.service.d" / "override.conf"
        drop_in.parent.mkdir()
        drop_in.write_text(block.text)
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(unit)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


@_named(every_block("dockerfile"))
def test_a_dockerfile_has_no_finding_of_hadolint(block, tmp_path) -> None:
    """And its commands, of the container and of its health check, are tandem's."""
    path = tmp_path / "Dockerfile"
    path.write_text(block.text)

    assert _output_of("hadolint", str(path)) == ""
    commands = [json.loads(found) for found in re.findall(r"\bCMD (\[.*\])$", block.text, re.M)]
    # A project's image inherits those of its base.
    assert commands or "FROM registry.example.com/" in block.text
    for program, *arguments in commands:
        assert program == "tandem"
        parser().parse_args(arguments)


@_named(every_block("yaml"))
def test_yaml_is_valid_to_what_reads_it(block, tmp_path) -> None:
    """A file of Compose by its schema, one of Prometheus by promtool, else a Kubernetes kind."""
    path = tmp_path / "block.yaml"
    path.write_text(block.text)
    if block.text.startswith("scrape_configs:"):
        argv = ["promtool", "check", "config", "--syntax-only", str(path)]
        assert subprocess.run(argv, capture_output=True, check=False).returncode == 0
        return
    if "kind: Kustomization" in block.text:
        assert _built_overlay(block.text, tmp_path)
        return
    compose = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "--quiet")
    manifest = ("kubernetes-validate", "--strict", "--quiet")

    by = compose if block.file == "compose.yaml" else manifest
    assert _output_of(*by, str(path)) == ""


def _built_overlay(text: str, directory: Path) -> list[Any]:
    """Return the objects of an overlay beside a rendered base."""
    output.write(kubernetes.render(cluster(AUTOSCALER="hpa")), directory)
    overlay = directory / "overlays" / "production"
    (overlay / "kustomization.yaml").write_text(text)
    return list(yaml.safe_load_all(_output_of("kubectl", "kustomize", str(overlay))))


@_named(every_block("sql"))
def test_sql_is_a_query_of_the_history(block, tmp_path) -> None:
    """By the view of an empty one."""
    HistoryWriter(tmp_path / "history.sqlite3").write([])

    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as database:
        assert database.execute(block.text).fetchall() == []


def _output_of(*command: str) -> str:
    """Return what a program of the virtual environment prints, on stdout and stderr."""
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [program, *command[1:]], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


@_named(every_block("json"))
def test_json_is_json(block) -> None:
    """Whoever copies it can use it."""
    assert json.loads(block.text)


@_named(every_block("bash"))
def test_a_script_is_parsed_by_bash(block) -> None:
    """And no further: what it runs is another's."""
    done = subprocess.run(["bash", "-n"], input=block.text, text=True, check=False, timeout=10)

    assert done.returncode == 0


def test_the_counted_connections_are_what_the_plan_takes() -> None:
    """The table in how-to/postgresql.md, for two CPUs."""
    page = (ROOT / "docs/how-to/postgresql.md").read_text()
    machine = host(cpus=2.0)
    threads = min(2 + IO_THREADS, MAX_THREADS)
    column = [row.rpartition(" | ")[2].strip(" |") for row in re.findall(r"^\| .*\|$", page, re.M)]
    counted = [auto_wsgi(machine), *[auto_asgi(machine) * threads] * 2, threads]

    assert [eval(cell.replace("\u00d7", "*")) for cell in column[1:]] == counted
    assert (
        f"That is {sum(counted)}, and during a reload two generations: {2 * sum(counted)}" in page
    )
