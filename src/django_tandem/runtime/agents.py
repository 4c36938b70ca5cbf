"""Tracing agents that a command such as `ddtrace-run` starts in every Python process below it."""

import os
from collections.abc import Mapping

# In PYTHONPATH, such a directory has the sitecustomize.py that starts the agent.
DIRECTORIES = (
    "/ddtrace/bootstrap",
    "/elasticapm/instrumentation/wrapper",
    "/newrelic/bootstrap",
    "/opentelemetry/instrumentation/auto_instrumentation",
)
# For an agent that is started in another way, as by an operator of Kubernetes.
SWITCHES = {
    "DD_TRACE_ENABLED": "false",
    "ELASTIC_APM_ENABLED": "false",
    "NEW_RELIC_MONITOR_MODE": "false",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*",
    "OTEL_SDK_DISABLED": "true",
}
PYTHONPATH = "PYTHONPATH"


def without_agents(variables: Mapping[str, str]) -> dict[str, str]:
    """
    Return the environment ``variables`` for a program that runs no code of the project.

    An agent would add the SQL of the monitor to the traces of the project, and takes several times
    the memory of the program.
    """
    others = {name: text for name, text in variables.items() if name != PYTHONPATH}
    paths = variables.get(PYTHONPATH, "").split(os.pathsep)
    kept = [path for path in paths if not path.rstrip("/").endswith(DIRECTORIES)]
    own = {PYTHONPATH: os.pathsep.join(kept)} if any(kept) else {}
    return {**others, **own, **SWITCHES}
