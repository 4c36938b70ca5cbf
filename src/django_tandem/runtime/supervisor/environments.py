"""The variables of ENV_FILE for the programs of each generation, in the memory of supervisord."""

import os
from dataclasses import dataclass, field
from typing import Any

from supervisor import events

from django_tandem import environment
from django_tandem.model.programs import generation_of
from django_tandem.runtime.supervisor.event_loop import subscribe
from django_tandem.runtime.trusted_env_files import read_trusted


@dataclass(slots=True, kw_only=True)
class Environment:
    """The variables of one generation, and its programs."""

    variables: dict[str, str]
    programs: set[str] = field(default_factory=set)


class Environments:
    """
    Reads the files once per generation, so that all its programs and their restarts have the same.

    The values are in no rendered file and in no argument.
    """

    def __init__(self) -> None:
        self._by_generation: dict[int, Environment] = {}
        subscribe(events.ProcessGroupRemovedEvent, self._on_removed)

    def variables_of(self, config: Any) -> dict[str, str]:
        """
        Return the variables for a program.

        Raises SettingError or MachineError for a file that can't be read, or must not be.
        """
        files = dict(config.environment or {}).get(environment.ENV_FILE, "")
        if not files:
            return {}
        generation = generation_of(config.name)
        if generation not in self._by_generation:
            variables = read_trusted(files.split(os.pathsep))
            self._by_generation[generation] = Environment(variables=variables)
        found = self._by_generation[generation]
        found.programs.add(config.name)
        return found.variables

    def _on_removed(self, event: Any) -> None:
        # The number of a candidate that failed is that of the next one.
        generation = generation_of(str(event.group))
        found = self._by_generation.get(generation)
        if found is not None:
            found.programs.discard(str(event.group))
            if not found.programs:
                del self._by_generation[generation]
