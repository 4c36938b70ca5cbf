"""What the panel asks for: the plan's reasons, and both stacks as they are now."""

import math
import time
from pathlib import Path

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from hood.edge_log import requests_per_second
from hood.tandem import Kept

PLAN = Kept("plan", for_s=math.inf)
STATUS = Kept("status", for_s=2)
# The edge writes its log once a second.
WRITTEN_LATE_S = 1

OF_A_ROUTE = ("route", "stack", "reason", "view")
OF_A_PROCESS = (
    "program",
    "stack",
    "state",
    "duty",
    "pid",
    "uptime_s",
    "memory_pss_mb",
    "memory_rss_mb",
    "connections",
    "what",
)


@require_GET
async def plan(request: HttpRequest) -> JsonResponse:
    """Return each route's stack, and the reason."""
    answer = await PLAN.read()
    routes = [{name: row[name] for name in OF_A_ROUTE} for row in answer.output or []]
    return JsonResponse({"sorry": answer.sorry, "routes": routes})


@require_GET
@never_cache
async def stacks(request: HttpRequest) -> JsonResponse:
    """Return the processes, and the load of each stack."""
    answer = await STATUS.read()
    if answer.sorry:
        return JsonResponse({"sorry": answer.sorry})
    return JsonResponse({"sorry": "", **_picture(answer.output)})


def _picture(status: dict) -> dict:
    log = Path(status["run_dir"], "nginx.log")
    rows = [row for process in status["processes"] for row in _rows(process)]
    processes = [{name: row[name] for name in OF_A_PROCESS} for row in rows]
    return {
        "generation": status["generation"],
        "generation_age_s": status["generation_age_s"],
        "is_reloading": status["reload_pid"] is not None,
        "requests_s": requests_per_second(log, time.time() - WRITTEN_LATE_S),
        "processes": processes,
    }


def _rows(process: dict) -> list[dict]:
    """Return the kinds of workers below a shared master, or the process itself."""
    return [
        {**process, **kind, "program": kind["name"], "pid": None} for kind in process["kinds"]
    ] or [process]
