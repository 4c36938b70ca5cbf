"""The dashboard for Grafana: its expressions, its grid, its choices."""

import itertools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from builders import plan, websocket
from django_tandem.render.monitoring.dashboard import dashboard_json

TANDEM = {"METRICS": "127.0.0.1:9001"}


def dashboard(*, has_asgi: bool = True) -> dict[str, Any]:
    verdicts = [websocket("/ws/")] if has_asgi else []
    made: dict[str, Any] = json.loads(dashboard_json(plan(*verdicts, tandem=TANDEM)))
    return made


def expressions(made: dict[str, Any]) -> list[str]:
    """Return all PromQL of the dashboard, with values for Grafana's variables."""
    found = [each["expr"] for each in made["annotations"]["list"]]
    found += [target["expr"] for panel in made["panels"] for target in panel.get("targets", [])]
    return [re.sub(r"\$__(rate_)?interval", "5m", each).replace("$", "chosen_") for each in found]


@pytest.mark.processes
def test_each_expression_is_promql(tmp_path: Path) -> None:
    """As rules, in which promtool parses them."""
    found = expressions(dashboard())
    rules = [{"record": f"panel:{index}", "expr": expr} for index, expr in enumerate(found)]
    # JSON is YAML.
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))

    checked = subprocess.run(
        ["promtool", "check", "rules", "rules.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
    assert f"{len(found)} rules found" in checked.stdout


def test_each_variable_of_an_expression_is_a_choice() -> None:
    """Grafana would send any other to Prometheus as it is."""
    made = dashboard()
    choices = {each["name"] for each in made["templating"]["list"]}
    used = {name for expr in expressions(made) for name in re.findall(r"chosen_(\w+)", expr)}

    assert used == choices - {"datasource"}


def test_panels_do_not_overlap_and_have_their_own_ids() -> None:
    """Grafana moves a panel that overlaps another, in no particular order."""
    panels = dashboard()["panels"]
    cells = [
        (x, y)
        for panel in panels
        for place in [panel["gridPos"]]
        for x, y in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        )
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_a_project_without_asgi_has_no_row_for_it() -> None:
    """Its panels would be empty."""
    titles = [
        {panel["title"] for panel in dashboard(has_asgi=has)["panels"] if panel["type"] == "row"}
        for has in (True, False)
    ]

    assert titles[0] - titles[1] == {"WebSockets, streams and the event loop"}
