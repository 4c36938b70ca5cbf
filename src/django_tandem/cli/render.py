"""Write the files of one target, or only compare them."""

import argparse
from pathlib import Path

from django_tandem import output, pipeline
from django_tandem.cli import console
from django_tandem.cli.planning import plan_project
from django_tandem.errors import RefusedError
from django_tandem.render import TARGETS
from django_tandem.runtime import lock, run_dir


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    targets = ", ".join(f"{target.name} ({target.summary})" for target in TARGETS)
    names = [target.name for target in TARGETS]
    parser.add_argument("target", choices=names, metavar="TARGET", help=targets)
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="the directory to run in, instead of RUN_DIR"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when the files differ"
    )


def run(options: argparse.Namespace) -> int:
    """Write the target's files, or print how they differ."""
    output_dir = options.output and options.output.resolve()
    plan = plan_project(options, output=output_dir).plan
    target = next(target for target in TARGETS if target.name == options.target)
    directory = Path(plan.run_dir)
    files = pipeline.render(plan, [target])
    if options.check:
        # Named as in version control: what a person reads in CI is no long path of CI's own.
        here = directory.is_relative_to(Path.cwd())
        found = output.diff(files, directory.relative_to(Path.cwd()) if here else directory)
        if found:
            console.line_out(found.rstrip("\n"))
        return 1 if found else 0
    if lock.holder(directory) is not None:
        raise RefusedError(
            f"A stack runs in {directory}, by the files that lie there.",
            hint="Change them with `tandem reload`, or name another directory with `--output`.",
        )
    run_dir.prepare(directory, is_committed=options.output is not None)
    for name in pipeline.write(files, directory):
        console.line_err(f"Wrote {directory / name}.")
    return 0
