"""How far something long has come: a bar on a terminal, a line each step anywhere else."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar


class Progress:
    """A context in which ``say`` tells each of ``steps`` as it begins."""

    def __init__(self, steps: int) -> None:
        self._console = Console(stderr=True)
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Bar(
            TextColumn("{task.description}"),
            *columns,
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=steps)

    def __enter__(self) -> "Progress":
        """Show it."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self._bar.stop()

    def step(self, text: str) -> None:
        """Tell a step that begins."""
        if self._console.is_terminal:
            self._bar.update(self._task, description=text, advance=1)
        else:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Tell what is to stay."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
