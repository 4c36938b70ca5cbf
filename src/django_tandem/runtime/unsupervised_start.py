"""
Plan → the one program of a stack without supervisord, which `tandem up` becomes.

In a container it is process 1, whose end is the end of the container. Beside it runs its companion,
the monitor, which also answers the probes.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from django_tandem import environment
from django_tandem.model import Plan, Process
from django_tandem.model.programs import NGINX
from django_tandem.model.state import planned_state
from django_tandem.runtime import early_signals, privileges, standard_output
from django_tandem.runtime.agents import without_agents
from django_tandem.runtime.links import move_links
from django_tandem.runtime.start import PYTHON
from django_tandem.runtime.supervisor.children import unwanted
from django_tandem.runtime.trusted_env_files import read_trusted
from django_tandem.runtime.waiting import report


def become(plan: Plan, handle: int) -> NoReturn:
    """
    Become the one program of ``plan``, which keeps the run directory's lock by ``handle``.

    Does not return.
    """
    directory, process = Path(plan.run_dir), plan.processes[0]
    variables = _environment(process)
    move_links(planned_state(plan), directory)
    with privileges.port_binding_withheld():
        _start_companion(directory)
    report(f"{process.program}: {process.description}{_places(process)}")
    sys.stdout.flush()
    sys.stderr.flush()
    if process.program == NGINX:
        standard_output.make_openable(PYTHON)
    os.set_inheritable(handle, True)
    os.chdir(process.directory)
    # The program takes those that come before its handlers.
    early_signals.block_signals()
    os.execvpe(process.argv[0], process.argv, variables)  # noqa: S606


def _environment(process: Process) -> dict[str, str]:
    own = dict(process.environment)
    files = own.get(environment.ENV_FILE, "")
    variables = {**os.environ, **(read_trusted(files.split(os.pathsep)) if files else {}), **own}
    for name in unwanted(process.program, list(variables)):
        del variables[name]
    return variables


def _places(process: Process) -> str:
    binds = [str(kind.bind) for kind in process.kinds if kind.bind]
    return f", on {', '.join(binds)}" if binds else ""


def _start_companion(run_dir: Path) -> None:
    subprocess.Popen(
        [*PYTHON, "-m", "django_tandem.monitor", str(run_dir), str(os.getpid())],
        env=without_agents(os.environ),
        stdin=subprocess.DEVNULL,
        cwd=run_dir,
    )
