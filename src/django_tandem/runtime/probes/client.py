"""The client of the probes: what a running stack answers on the socket in its run directory."""

import json
from http.client import HTTPException
from pathlib import Path

from django_tandem import unix_http
from django_tandem.errors import RefusedError
from django_tandem.runtime import lock
from django_tandem.runtime.state import HEALTH_SOCKET, nothing_runs

# The probes answer within half a second, also while a server does not.
TIMEOUT_S = 3.0


def failures(run_dir: Path, probe: str) -> list[str]:
    """
    Return why the ``probe``, such as ``/readyz``, fails: a sentence for each check that does.

    Raises RefusedError when nothing runs in ``run_dir``, or the probes do not answer.
    """
    try:
        response = unix_http.get(run_dir / HEALTH_SOCKET, probe, timeout_s=TIMEOUT_S)
    except (OSError, HTTPException) as error:
        if not isinstance(error, TimeoutError) and lock.holder(run_dir) is None:
            raise nothing_runs(run_dir) from error
        raise RefusedError(
            f"The probes do not answer in {run_dir}.",
            hint="`tandem logs` shows why.",
        ) from error
    checks = json.loads(response.body)["checks"]
    return [
        f"{name}: {check['reason']}" for name, check in checks.items() if check["status"] == "fail"
    ]
