"""The client of the probes: what a running stack answers on the socket in its run directory."""

import http.client
import json
import socket
from pathlib import Path

from django_tandem.errors import RefusedError
from django_tandem.runtime.state import HEALTH_SOCKET

# The probes answer within half a second, also while a server does not.
TIMEOUT_S = 3.0


def failures(run_dir: Path, probe: str) -> list[str]:
    """
    Return why the ``probe``, such as ``/readyz``, fails: a sentence for each check that does.

    Raises RefusedError when nothing answers in ``run_dir``.
    """
    connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT_S)
    try:
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(TIMEOUT_S)
        connection.sock.connect(str(run_dir / HEALTH_SOCKET))
        connection.request("GET", probe)
        checks = json.loads(connection.getresponse().read())["checks"]
    except TimeoutError as error:
        raise RefusedError(f"The probes do not answer in {run_dir}.") from error
    except (OSError, http.client.HTTPException) as error:
        raise RefusedError(f"Nothing runs in {run_dir}.") from error
    finally:
        connection.close()
    return [
        f"{name}: {check['reason']}" for name, check in checks.items() if check["status"] == "fail"
    ]
