"""The alerts, by promtool: each fires when it should, and only then."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from builders import plan, websocket
from django_tandem.model import Plan
from django_tandem.render import monitoring
from django_tandem.render.monitoring.alerts import alerts

CASES = Path(__file__).parent / "alerts"
TANDEM = {
    "METRICS": "127.0.0.1:9001",
    "WSGI": {"TIMEOUT_S": 20},
    "ASGI": {"WORKERS": 2, "MAX_WEBSOCKETS": 100},
}


def full_plan() -> Plan:
    return plan(websocket("/ws/a/"), tandem=TANDEM)


def names(made: Plan) -> list[str]:
    return [each.name for each in alerts(made)]


def test_each_alert_has_a_case_for_promtool() -> None:
    """A file of its name, with series that fire it and series that do not."""
    assert sorted(names(full_plan())) == sorted(each.stem for each in CASES.glob("*.yml"))


def test_each_alert_is_documented() -> None:
    """In the table of the how-to page."""
    page = Path(__file__).parents[4] / "docs" / "how-to" / "grafana.md"
    documented = re.findall(r"^\| `(Tandem\w+)` \|", page.read_text(), re.MULTILINE)

    assert sorted(names(full_plan())) == sorted(documented)


def test_a_project_without_asgi_has_no_alert_on_it() -> None:
    """It has no event loop, no threads for synchronous code and no WebSockets."""
    only_asgi = {"TandemEventLoopBlocked", "TandemThreadsBusy", "TandemWebSocketsFull"}

    assert set(names(full_plan())) - set(names(plan(tandem=TANDEM))) == only_asgi


@pytest.mark.processes
def test_each_alert_fires_when_it_should(tmp_path) -> None:
    """With its labels and texts, and not in the other cases."""
    for file in monitoring.render(full_plan()):
        (tmp_path / file.name).write_text(file.content)
    for each in CASES.glob("*.yml"):
        shutil.copy(each, tmp_path)
    cases = sorted(each.name for each in CASES.glob("*.yml"))

    checked = promtool("check", "config", "prometheus.yml", cwd=tmp_path)
    tested = promtool("test", "rules", *cases, cwd=tmp_path)

    assert checked.returncode == 0, checked.stdout
    assert f"{len(cases)} rules found" in checked.stdout
    assert tested.returncode == 0, tested.stderr


def promtool(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["promtool", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
