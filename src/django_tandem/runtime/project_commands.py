"""Commands of tandem on the project of a running stack, as its supervisord starts them."""

import os
from pathlib import Path

from django_tandem import environment
from django_tandem.errors import RefusedError
from django_tandem.inprocess import sd_notify
from django_tandem.model import Process
from django_tandem.model.state import State
from django_tandem.project.releases import find_release


def command(state: State, *words: str) -> tuple[list[str], str]:
    """
    Return the command line of a subcommand on the project of a stack, and its directory.

    With releases, those of the release that the link leads to, with its own interpreter. Raises
    RefusedError for an edge that runs without any program of the project.
    """
    python, directory = state.python, _process_of_project(state).directory
    release = find_release(Path(directory)) if Path(directory).exists() else None
    if release is not None:
        directory = release.by_link(directory)
        by_link = release.by_link(python)
        python = by_link if Path(by_link).exists() else python
    argv = [python, "-P", "-m", "django_tandem", *words]
    run_dir = state.overrides.run_dir
    return [*argv, *(["--run-dir", run_dir] if run_dir else [])], directory


def environment_of(state: State) -> dict[str, str]:
    """Return the environment of a command: that of this process, with the settings module."""
    module = dict(_process_of_project(state).environment).get(environment.SETTINGS_MODULE)
    own = {name: text for name, text in os.environ.items() if name != sd_notify.SOCKET}
    return {**own, environment.SETTINGS_MODULE: module} if module else own


def _process_of_project(state: State) -> Process:
    for each in state.processes:
        if each.generation is not None:
            return each
    raise RefusedError(
        "The edge runs alone here, with no server and no program of the project.",
        hint="Reload it as the user that it runs as.",
    )
