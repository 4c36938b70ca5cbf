"""Files in the run directory that each belong to one generation, as ``NAME-GENERATION``."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from django_tandem import environment


@dataclass(frozen=True, slots=True)
class GenerationFiles:
    """The files of one name, one for each generation."""

    name: str

    def path(self, run_dir: Path, generation: int) -> Path:
        """Return the path of the file of ``generation``."""
        return run_dir / f"{self.name}-{generation}"

    def remove(self, run_dir: Path, generation: int) -> None:
        """Remove the file of ``generation``, if there is one."""
        self.path(run_dir, generation).unlink(missing_ok=True)

    def remove_all_but(self, run_dir: Path, generations: Collection[int]) -> None:
        """Remove the files of every generation but these."""
        kept = {self.path(run_dir, generation) for generation in generations}
        for path in run_dir.glob(f"{self.name}-[0-9]*"):
            if path not in kept:
                path.unlink(missing_ok=True)

    def path_of_process(self) -> Path | None:
        """Return the path for this process's generation; None outside of a stack."""
        run_dir = os.environ.get(environment.RUN_DIR)
        generation = int(os.environ.get(environment.GENERATION) or 0)
        return self.path(Path(run_dir), generation) if run_dir else None
